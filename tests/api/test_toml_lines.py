"""On which line of a TOML file each key stands, in every way in which TOML lets keys be written."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaseline.toml.lines import Path, lines

# A line's number is part of what stands on it: each key's is its value, or the end of its text.
ODD: dict[str, str] = {
    "tables and keys": "a = 1\n[b]\nc = 3\n[d.e]\nf = 5",
    "blank lines and comments": "# a = 1\n\na = 3 # b = 3\n\n  [ b ] # c\n\tc = 6",
    "dotted keys": "a.b = 1\na . c = 2\n[d]\ne.f.g = 4\ne.h = 5",
    "quoted keys": '"a b" = 1\n\'c.d\' = 2\n"\\u00e9" = 3\n[e."f.g".\'h\']\ni = 5\n"j=#[" = 6',
    "text that looks like more": 'a = "\\"] # 1"\nb = \'[c] = 2\'\nd = "e = 3"\nf = 4',
    "texts over several lines": 'a = """\nb = 1\n[c]\n\\""" ""\n1"""\nd = 6\ne = \'\'\'\n"""\n\'\' 7\'\'\'\nf = 10',
    "texts that end in quotes": 'a = """ ""1"""""\nb = \'\'\'2\'\'\'\'\nc = ""\nd = 4\ne = """"""\nf = 6',
    "a slash at the end of a text": "a = 'C:\\'\nb = 2\nc = \"\\\\\"\nd = 4",
    "lists": "a = [\n  2,\n  # no\n  4, [4,\n  5], ]\nb = [6, 6]\nc = []\nd = 8",
    "lists of tables in braces": 'a = [\n  {b = 2, "c" = [2, 2]},\n  {b = 3},\n]\nd = {e = 5, f.g = 5}\nh = {}\ni = 7',
    "lists of tables": "[[a]]\nb = 2\n[a.c]\nd = 4\n[[a]]\nb = 6\n[[a.e]]\nf = 8\n[[a.e]]\nf = 10\n[a.e.g]\nh = 12",
    "a table after its parts": "[a.b]\nc = 2\n[d]\ne = 4\n[a]\nf = 6",
    "times with a space": "a = [1979-05-27 07:32:00, 1]\nb = 1979-05-27 07:32:00 # 2\nc = 3",
    "lines of Windows": "a = 1\r\n[b]\r\nc = 3\r\nd = '''\r\n4'''\r\ne = 6",
    "brackets in quotes": "[\"a]\"]\nb = 2\n[['c]]']]\nd = 4",
}


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(part, (*path, key))
    else:
        yield path, value


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_a_key_is_found_where_it_stands_however_it_is_written(text: str) -> None:
    found = lines(text)
    numbers = {path: value for path, value in _leaves(tomllib.loads(text)) if isinstance(value, int)}
    assert numbers
    assert {path: found[path] for path in numbers} == numbers


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_every_table_and_every_value_is_found(text: str) -> None:
    found = lines(text)
    for path, _ in _leaves(tomllib.loads(text)):
        assert all(path[:length] in found for length in range(1, len(path) + 1))


def test_a_table_is_where_its_own_header_is_and_one_without_where_it_is_first_named() -> None:
    found = lines("[a.b]\n[c.d]\n[a]\n[[e]]\n[[e]]\n")
    assert {path: found[path] for path in (("a",), ("c",), ("e",), ("e", 0), ("e", 1))} == {
        ("a",): 3,
        ("c",): 2,
        ("e",): 4,
        ("e", 0): 4,
        ("e", 1): 5,
    }


def test_what_is_not_toml_is_not_looked_at() -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        lines("a = ")


_TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.dictionaries(_TEXTS, st.lists(_TEXTS | st.integers(), max_size=3), max_size=5))
def test_whatever_keys_and_values_are_made_of_each_is_on_its_own_line(content: dict[str, list[Any]]) -> None:
    text = ""
    expected: dict[Path, int] = {}
    for number, (key, values) in enumerate(content.items(), start=1):
        written = [_quoted(value) if isinstance(value, str) else str(value) for value in values]
        text += f"{_quoted(key)} = [{', '.join(written)}]\n"
        expected[key,] = number
        expected |= {(key, place): number for place in range(len(values))}
    assert lines(text) == expected
