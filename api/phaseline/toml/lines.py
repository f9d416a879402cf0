"""On which line of a TOML file each key stands, which `tomllib` does not tell.

Only text that `tomllib` has understood is looked at, so nothing here asks whether it is right: it is enough to know
where keys begin, and where values end.
"""

import re
import tomllib
from collections.abc import Mapping

# As pydantic names a place in what was read: keys of tables, and places in lists, from 0.
Path = tuple[int | str, ...]

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BASIC, _LITERAL = r'"(?:\\.|[^"\\\n])*"', r"'[^'\n]*'"
_KEY_PART = re.compile(rf"[A-Za-z0-9_-]+|{_BASIC}|{_LITERAL}")
# Of the quotes at the end of a text over several lines, the first two may be its own.
_TEXT = re.compile(rf'"""(?:\\.|[^\\])*?"{{3,5}}|\'\'\'.*?\'{{3,5}}|{_BASIC}|{_LITERAL}', re.DOTALL)
_OTHER = re.compile(r"[^,\]}#\n]*")  # a number, a truth or a time, which may have a space in it


def lines(text: str) -> Mapping[Path, int]:
    """The line, from 1, of each table, key and place in a list. Raises ValueError where the text is not TOML."""
    tomllib.loads(text)
    finder = _Finder(text.replace("\r\n", "\n"))
    finder.look()
    return finder.found


class _Finder:
    """Goes through the text once, from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counted, self._line = 0, 1
        self._lists: dict[Path, int] = {}  # how many tables there are so far of each [[list]]
        self.found: dict[Path, int] = {}

    def look(self) -> None:
        """Find every line."""
        table: Path = ()
        self._skip_blank()
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip_blank()

    def _header(self) -> Path:
        """A [table], or one of a [[list]] of them. Returns its path."""
        line, is_list = self._here(), self._text.startswith("[[", self._at)
        self._at += 2 if is_list else 1
        path: Path = ()
        parts = self._key()
        for part in parts[:-1]:
            path = self._newest((*path, part))
            self.found.setdefault(path, line)
        path = (*path, parts[-1])
        if is_list:
            self._lists[path] = self._lists.get(path, -1) + 1
            self.found.setdefault(path, line)
            path = self._newest(path)
        self.found[path] = line
        self._at += 2 if is_list else 1
        return path

    def _newest(self, path: Path) -> Path:
        """What a header means that names this: of a list, its last table."""
        return (*path, self._lists[path]) if path in self._lists else path

    def _pair(self, table: Path) -> None:
        """A key, and its value."""
        line, path = self._here(), table
        for part in self._key():
            path = (*path, part)
            self.found.setdefault(path, line)
        self._at += 1  # the sign between them
        self._skip_blank()
        self._value(path)

    def _key(self) -> list[str]:
        """The parts of a dotted key, and the way up to what stands behind it."""
        parts = []
        while True:
            self._skip_blank()
            part = self._take(_KEY_PART)
            parts.append(tomllib.loads(f"key = {part}")["key"] if part[0] in "\"'" else part)
            self._skip_blank()
            if not self._text.startswith(".", self._at):
                return parts
            self._at += 1

    def _value(self, path: Path) -> None:
        first = self._text[self._at]
        if first == "[":
            self._inside(path, "]", is_list=True)
        elif first == "{":
            self._inside(path, "}", is_list=False)
        else:
            self._take(_TEXT if first in "\"'" else _OTHER)

    def _inside(self, path: Path, end: str, *, is_list: bool) -> None:
        """What stands between brackets, or between braces."""
        self._at += 1
        place = 0
        self._skip_blank()
        while self._text[self._at] != end:
            if is_list:
                self.found[(*path, place)] = self._here()
                self._value((*path, place))
            else:
                self._pair(path)
            place += 1
            self._skip_blank()
            self._at += self._text.startswith(",", self._at)
            self._skip_blank()
        self._at += 1

    def _here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _skip_blank(self) -> None:
        self._take(_BLANK)

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        assert found is not None, "tomllib has understood it"
        self._at = found.end()
        return found[0]
