"""Where an export is written: standard output, or a file that may hold the beginning of it already."""

import json
import os
import stat
from pathlib import Path
from typing import BinaryIO

from phaseline.lines import HEADER, Format

# No entry is nearly as long; what is, is none of ours.
_LONGEST = 100_000


class Unwritten(Exception):
    """What is to be written cannot be. The text says why."""


class NotOurs(Exception):
    """A file is no export of this format."""


class Output:
    """Bytes go out as they are given: what `write` has returned from is written."""

    def __init__(self, file: Path | None, form: Format, *, resume: bool, begins: bool) -> None:
        """`resume`: the file may be there. `begins`: nothing was written elsewhere before. Raises Unwritten, NotOurs.

        `after` is the id of the last entry in it, 0 where there is none.
        """
        self.name = "standard output" if file is None else str(file)
        self.after = 0
        try:
            self._stream = _opened(file, resume)
            end = self._continued(form) if file is not None and resume else 0
        except OSError as error:
            raise Unwritten(_why(self.name, error)) from None
        if form is Format.CSV and end == 0 and begins:
            self.write(HEADER.encode())

    def write(self, content: bytes) -> None:
        """All of it. Raises Unwritten."""
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[self._stream.write(rest) :]
        except OSError as error:
            raise Unwritten(_why(self.name, error)) from None

    def close(self) -> None:
        """Raises Unwritten."""
        try:
            if stat.S_ISREG(os.fstat(self._stream.fileno()).st_mode):
                os.fsync(self._stream.fileno())
            self._stream.close()
        except OSError as error:
            raise Unwritten(_why(self.name, error)) from None

    def _continued(self, form: Format) -> int:
        """Behind the last whole record; one of which only a part was written is taken away."""
        end, last = _whole(self._stream, form)
        self._stream.truncate(end)
        self._stream.seek(end)
        self.after = 0 if last is None else _id(last, form)
        return end


def _opened(file: Path | None, resume: bool) -> BinaryIO:
    """Without a buffer: one that could not be written would be tried once more at the end of the process."""
    if file is None:
        return open(os.dup(1), "wb", buffering=0)
    if not resume:
        return file.open("xb", buffering=0)
    return file.open("r+b" if file.exists() else "xb", buffering=0)


def _whole(stream: BinaryIO, form: Format) -> tuple[int, bytes | None]:
    """Where the last whole record ends, and which it is; None where no entry is there. Raises NotOurs."""
    end, last, record = 0, None, b""
    with open(os.dup(stream.fileno()), "rb") as reader:
        for line in reader:
            record += line
            if len(record) > _LONGEST:
                raise NotOurs
            # A line ends within quotes where there is one quote more than there are pairs.
            if not line.endswith(b"\n") or (form is Format.CSV and record.count(b'"') % 2):
                continue
            if form is Format.CSV and end == 0 and record != HEADER.encode():
                raise NotOurs
            last = None if form is Format.CSV and end == 0 else record
            end += len(record)
            record = b""
    if end == 0 and record and not (form is Format.CSV and HEADER.encode().startswith(record)):
        raise NotOurs
    return end, last


def _id(record: bytes, form: Format) -> int:
    try:
        if form is Format.JSONL:
            return int(json.loads(record)["id"])
        return int(record.split(b",", 1)[0].strip(b'"'))
    except (ValueError, KeyError, TypeError):
        raise NotOurs from None


def _why(name: str, error: OSError) -> str:
    if isinstance(error, BrokenPipeError):
        return "nobody reads on"
    if isinstance(error, FileExistsError):
        return f"{name} exists already: --resume goes on where it ends"
    return f"{name} cannot be written: {error.strerror}"
