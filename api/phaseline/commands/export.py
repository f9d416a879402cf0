"""`phaseline audit export`: the log as lines, for whatever else is to keep or to look through it."""

import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from phaseline import cursors, export
from phaseline.commands.beginning import failure, held, on_database, remark, with_store
from phaseline.commands.output import NotOurs, Output, Unwritten
from phaseline.export import AnotherLog, NotSettled, Wanted
from phaseline.lines import Format
from phaseline.store import Store, reason
from phaseline_schema.refusals import BadUserInput

_INTERRUPTED = 130


class Export:
    """One that is under way: how far it has come is told however it ends."""

    def __init__(self, wanted: Wanted, form: Format, output: Output, file: Path | None) -> None:
        self._wanted = wanted
        self._line = form.line
        self._output = output
        self._file = file
        self._lines = 0
        self._last = wanted.after
        self._breaks_off = False  # within a line

    async def run(self, store: Store) -> None:
        """Write all that is wanted. Raises WrongRevision, NotSettled, AnotherLog and Unwritten."""
        await held(store)
        if self._output.last is not None:
            await export.require(store, *self._output.last)
        last = await export.upto(store)
        with _progress(self._file is not None) as bar:
            task = bar.add_task("0 entries", total=max(last - self._wanted.after, 0))
            async for entries, at in export.windows(store, self._wanted, last):
                self._write([(entry.id, self._line(entry, deployed).encode()) for entry, deployed in entries])
                bar.update(task, completed=at - self._wanted.after, description=f"{self._lines:,} entries")
        self._output.close()

    def _write(self, lines: list[tuple[int, bytes]]) -> None:
        """Lines, each with the id of its entry. However it ends, those that went out whole are counted."""
        before = self._output.written
        try:
            self._output.write(b"".join(line for _, line in lines))
        finally:
            gone = self._output.written - before
            for entry_id, line in lines:
                if gone < len(line):
                    self._breaks_off = gone > 0
                    break
                gone -= len(line)
                self._lines += 1
                self._last = entry_id

    def tell(self) -> None:
        """What was written, and the cursor of the last line."""
        cursor = f"; cursor of the last one: {cursors.encode(self._last)}" if self._last else ""
        remark(f"{self._lines} entries were written{cursor}")

    @property
    def has_begun(self) -> bool:
        """Whether anything was written."""
        return self._lines > 0

    @property
    def advice(self) -> str:
        """How it is gone on with."""
        if self._file is not None:
            return "run the same again with --resume to go on"
        again = f"--after {cursors.encode(self._last)} goes on" if self._last else "run the same again"
        return f"the last line is not whole, so take it away; {again}" if self._breaks_off else again

    def tell_how_to_go_on(self) -> None:
        """For one that has ended before it was done."""
        self.tell()
        remark(self.advice)


def export_log(
    form: Annotated[Format, typer.Option("--format", help="jsonl: a JSON object a line; csv: with a header.")],
    output: Annotated[Path | None, typer.Option(help="The file to write; it must not exist.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="The file may exist: go on where it ends.")] = False,
    after: Annotated[str | None, typer.Option(help="Only what comes after the entry of this cursor.")] = None,
    environment: Annotated[str | None, typer.Option(help="Only entries of deploys to it.")] = None,
    deploy: Annotated[str | None, typer.Option(help="Only entries of the deploy with this id.")] = None,
    since: Annotated[str | None, typer.Option(help="Only what was recorded at this time or later.")] = None,
    until: Annotated[str | None, typer.Option(help="Only what was recorded before this time.")] = None,
) -> None:
    """Write all audit entries, oldest first, to standard output or a file.

    Exit code 0: written. 2: not, or not all of it. 130: interrupted. How far it has come is told at the end.
    """
    if resume and output is None:
        raise failure("--resume goes with --output: the file says where it ends")
    place = 0 if after is None else _place(after)
    wanted = Wanted(place, environment, deploy, _time("--since", since), _time("--until", until))
    found = on_database()
    try:
        target = Output(output, form, resume=resume, begins=place == 0)
    except Unwritten as error:
        raise failure(str(error)) from None
    except NotOurs:
        raise failure(f"{output} is no export as {form}, and is left as it is") from None
    work = Export(replace(wanted, after=max(place, target.last.id if target.last else 0)), form, target, output)
    try:
        with_store(found, work.run, only_reads=True)
    except typer.Exit:  # it was said why
        if work.has_begun:
            work.tell_how_to_go_on()
        raise
    except AnotherLog:
        raise failure(f"the last entry in {output} is not in this log: it is another's, or was restored") from None
    except KeyboardInterrupt:
        work.tell()
        remark(f"interrupted: {work.advice}")
        raise typer.Exit(_INTERRUPTED) from None
    except Exception as error:
        work.tell()
        why = str(error) if isinstance(error, Unwritten | NotSettled) else f"the log cannot be read: {reason(error)}"
        raise failure(f"{why}; {work.advice}") from None
    work.tell()


def _progress(to_file: bool) -> Progress:
    """For people who look on, and who are not shown the entries themselves in the same place."""
    console = Console(stderr=True)
    seen = console.is_terminal and (to_file or not sys.stdout.isatty())
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not seen)


def _place(cursor: str) -> int:
    try:
        return cursors.decode_number(cursor, 2**63 - 1)
    except BadUserInput:
        raise failure("--after is not a cursor of audit entries") from None


def _time(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise failure(f"{name} is a time with an offset, such as 2026-11-23T09:30:00Z")
    return found
