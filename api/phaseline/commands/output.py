"""Where an export is written: standard output, or a file that may hold the beginning of it already."""

import csv
import io
import json
import os
import stat
from pathlib import Path
from typing import BinaryIO, NamedTuple

from phaseline.lines import HEADER, NAMES, Format

# No entry is nearly as long; what is, is none of ours.
_LONGEST = 100_000

# What a record of an entry begins with.
_BEGINNINGS = {Format.JSONL: b'{"id":"', Format.CSV: b'"'}


class Unwritten(Exception):
    """What is to be written cannot be. The text says why."""


class Last(NamedTuple):
    """The last entry that a file holds."""

    id: int
    digest: str


class NotOurs(Exception):
    """A file is no export of this format."""


class Output:
    """Bytes go out as they are given: what `write` has returned from is written, and `written` tells of the rest."""

    def __init__(self, file: Path | None, form: Format, *, resume: bool, begins: bool) -> None:
        """`resume`: the file may be there. `begins`: nothing was written elsewhere before. Raises Unwritten, NotOurs.

        `last` is the last entry in it, None where there is none; `written`, how many bytes have gone out since.
        """
        self.name = "standard output" if file is None else str(file)
        self.last: Last | None = None
        self.written = 0
        try:
            self._stream = _opened(file, resume)
            end = self._continued(form, begins) if file is not None and resume else 0
        except OSError as error:
            raise Unwritten(_why(self.name, error)) from None
        if form is Format.CSV and end == 0 and begins:
            self.write(HEADER.encode())

    def write(self, content: bytes) -> None:
        """All of it. Raises Unwritten."""
        rest = memoryview(content)
        try:
            while rest:
                gone = self._stream.write(rest)
                self.written += gone
                rest = rest[gone:]
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

    def _continued(self, form: Format, begins: bool) -> int:
        """Behind the last whole record; of a file that is ours, one of which only a part was written is taken away."""
        end, last = _whole(self._stream, form, has_header=form is Format.CSV and begins)
        self.last = None if last is None else _read(last, form)
        self._stream.truncate(end)
        self._stream.seek(end)
        return end


def _opened(file: Path | None, resume: bool) -> BinaryIO:
    """Without a buffer: one that could not be written would be tried once more at the end of the process."""
    if file is None:
        return open(os.dup(1), "wb", buffering=0)
    if not resume:
        return file.open("xb", buffering=0)
    return file.open("r+b" if file.exists() else "x+b", buffering=0)


def _whole(stream: BinaryIO, form: Format, *, has_header: bool) -> tuple[int, bytes | None]:
    """Where the last whole record ends, and which it is; None where no entry is there. Raises NotOurs."""
    end, last, record = 0, None, b""
    beginning = HEADER.encode() if has_header else _BEGINNINGS[form]
    with open(os.dup(stream.fileno()), "rb") as reader:
        for line in reader:
            record += line
            if len(record) > _LONGEST:
                raise NotOurs
            # A line ends within quotes where there is one quote more than there are pairs.
            if not line.endswith(b"\n") or (form is Format.CSV and record.count(b'"') % 2):
                continue
            if end == 0 and not record.startswith(beginning):
                raise NotOurs
            last = None if has_header and end == 0 else record
            end += len(record)
            record = b""
    # Of one that broke off at once nothing but its beginning tells that it is ours.
    if end == 0 and not (beginning.startswith(record) or (not has_header and record.startswith(beginning))):
        raise NotOurs
    return end, last


def _read(record: bytes, form: Format) -> Last:
    try:
        if form is Format.JSONL:
            members = json.loads(record)
        else:
            ((*fields,),) = csv.reader(io.StringIO(record.decode(), newline=""))
            members = dict(zip(NAMES, fields, strict=True))
        return Last(int(members["id"]), str(members["digest"]))
    except (ValueError, KeyError, TypeError, csv.Error):
        raise NotOurs from None


def _why(name: str, error: OSError) -> str:
    if isinstance(error, BrokenPipeError):
        return "nobody reads on"
    if isinstance(error, FileExistsError):
        return f"{name} exists already: --resume goes on where it ends"
    return f"{name} cannot be written: {error.strerror}"
