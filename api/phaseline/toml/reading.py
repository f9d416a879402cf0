"""Reading a file, holding it to its model, and saying what is wrong with it: a line for each mistake, all at once."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from phaseline.toml import lines
from phaseline.toml.lines import Path as Place

Model = TypeVar("Model", bound=BaseModel)

# What pydantic says, in plainer words.
_SAID = {
    "extra_forbidden": "there is no such key",
    "missing": "is missing",
    "string_type": "must be text, in quotes",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "tuple_type": "must be a list, in brackets",
    "frozen_set_type": "must be a list, in brackets",
    "dict_type": "must be a table",
    "model_type": "must be a table",
}
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLACE_OF_FAULT = re.compile(r" \((?:at line (\d+), column \d+|at end of document)\)$")

# Every way in which tomllib says that something is there already.
_TWICE = re.compile(r"Cannot overwrite|Cannot declare .* twice|Cannot mutate|Duplicate inline table key")


class FileError(Exception):
    """A file cannot be used. The text has a line for each mistake: FILE:LINE: KEY: why."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class TomlFile:
    """A file that is TOML, and where in it everything stands."""

    file: Path
    content: Mapping[str, Any]
    _lines: Mapping[Place, int]

    @classmethod
    def of(cls, file: Path) -> Self:
        """What is in it. Raises FileError."""
        try:
            text = file.read_bytes().decode()
        except OSError as error:
            raise FileError([f"{file}: {error.strerror or error}"]) from None
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise FileError([f"{file}:{line}: is not in UTF-8"]) from None
        try:
            return cls(file, tomllib.loads(text), lines.lines(text))
        except RecursionError:
            raise FileError([f"{file}: is nested too deeply"]) from None
        except ValueError as error:
            raise FileError([_not_toml(file, text, str(error))]) from None

    def understood(self, model: type[Model], context: Mapping[str, Any]) -> Model:
        """What it says, by this model, whose validators are given the context. Raises FileError with every mistake."""
        try:
            return model.model_validate(self.content, context=dict(context))
        except ValidationError as error:
            found = [(_place(detail), _message(detail)) for detail in error.errors()]
        # As somebody mends them, from the first line to the last.
        found.sort(key=lambda problem: self._line(problem[0]))
        raise FileError(self.problem(place, message) for place, message in found)

    def problem(self, place: Place, message: str) -> str:
        """A mistake at a place, in one line. What is not there is told by the line of what it is missing in."""
        key = _key(place)
        return f"{self.file}:{self._line(place)}: {f'{key}: ' if key else ''}{message}"

    def _line(self, place: Place) -> int:
        around = (self._lines.get(place[:length]) for length in range(len(place), 0, -1))
        return next((line for line in around if line is not None), 1)


def _not_toml(file: Path, text: str, message: str) -> str:
    """What keeps it from being TOML; of that, only the first is ever known."""
    found = _PLACE_OF_FAULT.search(message)
    line = (found and found[1]) or text.rstrip("\n").count("\n") + 1
    if _TWICE.match(message):
        return f"{file}:{line}: a key, or a table, stands here for the second time"
    reason = message.removesuffix(found[0]) if found else message
    return f"{file}:{line}: is not TOML: {reason}"


def _place(detail: ErrorDetails) -> Place:
    """Without what pydantic puts behind a key that is at fault itself, and not its value."""
    return tuple(part for part in detail["loc"] if part != "[key]")


def _message(detail: ErrorDetails) -> str:
    if detail["type"] in ("enum", "literal_error"):
        return f"must be {detail['ctx']['expected']}".replace("'", '"')
    return _SAID.get(detail["type"], detail["msg"].removeprefix("Value error, "))


def _key(place: Place) -> str:
    """As people count and write: github.repositories[1].refs[2]."""
    key = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{_written(part)}" for part in place)
    return key.removeprefix(".")


def _written(part: str) -> str:
    if _BARE.fullmatch(part):
        return part
    return json.dumps(part, ensure_ascii=not part.isprintable())
