"""`phaseline audit`: whether the log is what it was when it was written; and what is in it (export.py)."""

import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from phaseline import checkpoints
from phaseline.commands.beginning import failure, on_database, with_store
from phaseline.commands.export import export_log
from phaseline.inspection import Inspection, inspect
from phaseline.store import Store, reason
from phaseline_schema.audit.checkpoints import Checkpoint, NoCheckpoint, of, read, written
from phaseline_schema.audit.findings import Fault
from phaseline_schema.audit.stored import is_digest

app = typer.Typer(
    help="Check the log for tampering, make checkpoints to be kept elsewhere, and export it.", no_args_is_help=True
)
app.command("export")(export_log)

_DOES_NOT_HOLD = 1


@app.command()
def verify(
    checkpoint: Annotated[
        Path | None, typer.Option(help="A checkpoint that was made earlier: find what has vanished since.")
    ] = None,
    root: Annotated[
        str | None, typer.Option(help="The checkpoint's root as it was kept elsewhere, in hexadecimal.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
) -> None:
    """Check every deploy's chain of digests, moves and row, and the graph's rows.

    Exit code 0: everything holds. 1: something does not, and each deploy's first bad entry is named. 2: it could not be
    checked.
    """
    with _or_failure():
        _verify(checkpoint, root, as_json)


def _verify(checkpoint: Path | None, root: str | None, as_json: bool) -> None:
    kept = None if checkpoint is None else _read(checkpoint)
    if root is not None and (kept is None or not is_digest(root.lower())):
        raise failure("--root is 64 hexadecimal digits, and goes with --checkpoint")
    faults: list[tuple[str | None, Fault]] = []

    def tell(deploy_id: str | None, fault: Fault) -> None:
        if as_json:
            faults.append((deploy_id, fault))
        else:
            typer.echo(_line(deploy_id, fault))

    changed = None if kept is None else checkpoints.fault_of(kept, root.lower() if root else None)
    if changed is not None:
        tell(None, changed)
    found = _run(lambda store: inspect(store, tell, checkpoint=kept))
    holds = not found.faults and changed is None
    compared = root is not None
    typer.echo(_as_json(found, kept, compared, faults, holds) if as_json else _summary(found, kept, compared, holds))
    raise typer.Exit(0 if holds else _DOES_NOT_HOLD)


@app.command()
def checkpoint(
    output: Annotated[
        Path | None, typer.Option(help="The file to write; it must not exist. checkpoint-….json, if it is not given.")
    ] = None,
) -> None:
    """Write down how far every deploy's log has come, and print the root over all of it.

    Exit code 0: written. 1: written, without the deploys whose logs do not hold, which are named. 2: not written.
    """
    with _or_failure():
        _checkpoint(output)


def _checkpoint(output: Path | None) -> None:
    found = _run(lambda store: inspect(store, _complain, keep_heads=True))
    made = of(found.heads)
    file = output or Path(f"checkpoint-{made.root[:16]}.json")
    _write(file, written(made))
    typer.echo(f"{file}: {len(made.leaves)} deploys", err=True)
    typer.echo(made.root)
    raise typer.Exit(_DOES_NOT_HOLD if found.faults else 0)


def _write(file: Path, text: str) -> None:
    """Into a new file. Checkpoints are kept, never overwritten; the same one once more is no other."""
    try:
        if file.is_file() and file.read_bytes() == text.encode():
            return
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise failure(f"{file} exists already, and is not this checkpoint") from None
    except OSError as error:
        raise failure(f"{file} cannot be written: {error}") from None


def _read(file: Path) -> Checkpoint:
    try:
        return read(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise failure(f"{file} cannot be read: {error}") from None
    except NoCheckpoint as error:
        raise failure(f"{file} is no checkpoint: {error}") from None


def _run(work: Callable[[Store], Awaitable[Inspection]]) -> Inspection:
    """What `work` finds, or one line on why nothing can be found: a database is not made here."""
    return with_store(on_database(), work, only_reads=True)


@contextmanager
def _or_failure() -> Iterator[None]:
    """Whatever else keeps the log from being checked ends in one line: exit code 1 is for what was found in it."""
    try:
        yield
    except typer.Exit:
        raise
    except Exception as error:
        with suppress(OSError):
            sys.stdout.close()  # what could not be written is not tried again at the end, with an exit code of its own
        raise failure(f"the log cannot be checked: {reason(error)}") from None


def _complain(deploy_id: str | None, fault: Fault) -> None:
    typer.echo(_line(deploy_id, fault), err=True)


def _line(deploy_id: str | None, fault: Fault) -> str:
    where = [] if deploy_id is None else [f"deploy {_shown(deploy_id)}"]
    where += [] if fault.sequence is None else [f"entry {fault.sequence}"]
    return ": ".join([*([", ".join(where)] if where else []), fault.kind.value, fault.message])


def _shown(text: str) -> str:
    """What somebody has written into the database is not to play tricks on a terminal."""
    return text if text.isprintable() else ascii(text)


def _summary(found: Inspection, kept: Checkpoint | None, compared: bool, holds: bool) -> str:
    against = "" if kept is None else f", and against a checkpoint of {len(kept.leaves)} deploys"
    against += "" if kept is None or compared else f" whose root was not compared (it is {kept.root})"
    looked = f"{found.deploys} deploys with {found.entries} audit entries were checked{against}"
    return f"{looked}: everything holds" if holds else f"{looked}: see above for what does not hold"


def _as_json(
    found: Inspection,
    kept: Checkpoint | None,
    compared: bool,
    faults: list[tuple[str | None, Fault]],
    holds: bool,
) -> str:
    against = None if kept is None else {"root": kept.root, "rootCompared": compared, "deploys": len(kept.leaves)}
    told: dict[str, Any] = {
        "valid": holds,
        "deploys": found.deploys,
        "entries": found.entries,
        "faults": [{"deployId": deploy_id, **asdict(fault)} for deploy_id, fault in faults],
        "checkpoint": against,
    }
    return json.dumps(told, ensure_ascii=True)
