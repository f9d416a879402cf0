"""`phaseline token`: make, list and revoke the tokens that callers prove themselves with."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from phaseline import revisions
from phaseline.callers import tokens
from phaseline.callers.tokens import NameTaken, TokenRecord
from phaseline.commands.beginning import console, failure, held, on_database, remark, with_store
from phaseline.store import Store
from phaseline_schema import inputs
from phaseline_schema.refusals import BadUserInput
from phaseline_schema.rights import SCOPED, Role

app = typer.Typer(help="Make, list and revoke tokens of callers.", no_args_is_help=True)

# What stands for every environment, so that nobody names all of them by leaving them out.
_ALL = "*"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LIFETIME = re.compile(r"([1-9][0-9]{0,5})([mhdw])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_LONGEST = timedelta(days=3650)

# Of a table that no terminal limits, in characters.
_WIDTH = 160


@app.command()
def create(
    role: Annotated[Role, typer.Option(help="What kind of caller it is for.")],
    name: Annotated[str, typer.Option(help="Who calls with it, as the log will name it; never used again.")],
    environment: Annotated[
        list[str] | None,
        typer.Option(help="An environment that it is for; may be repeated. '*' stands for all."),
    ] = None,
    expires: Annotated[str | None, typer.Option(help="After how long it ends: 90d, 12h, 8w, 30m. Else never.")] = None,
) -> None:
    """Make a token and print it, alone, on standard output. It is not shown again: only a hash of it is kept."""
    if _NAME.fullmatch(name) is None:
        raise failure(f"{name!r} is no name: 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or a digit")
    environments = _environments(role, environment or [])
    lifetime = None if expires is None else _lifetime(expires)

    async def run(store: Store) -> tuple[TokenRecord, str]:
        await revisions.prepare(store, None)  # the first one is made before anything is served
        return await store.write(lambda connection: tokens.create(connection, name, role, environments, lifetime))

    try:
        record, token = with_store(on_database(may_be_made=True), run)
    except NameTaken:
        raise failure(f"there is, or was, a token named {name!r}; a name is never used again") from None
    remark(f"{name}: {role}, {_places(record)}, {_end(record)}. This is the only time that the token is shown.")
    typer.echo(token)


@app.command("list")
def list_all(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """List all tokens, those that are over included, oldest first."""

    async def run(store: Store) -> list[TokenRecord]:
        await held(store)
        return await store.read(tokens.every)

    found, now = with_store(on_database(), run), datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps([_as_json(record, now) for record in found], indent=2))
        return
    table = Table(Column("Name", no_wrap=True), "Role", "Environments", "Made", "Expires", "Last use", "State")
    for record in found:
        times = map(_shown, (record.created_at, record.expires_at, record.last_used_at))
        cells = (record.name, record.role.value, _places(record), *times, record.state(now))
        table.add_row(*map(Text, cells))
    (console if console.is_terminal else Console(width=_WIDTH)).print(table)


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="Which one: ann, or as the log names it, token:ann.")]) -> None:
    """End a token from now on, and with it every sign-in and subscription that was begun with it."""
    own = name.removeprefix(tokens.PREFIX)
    if ":" in own:
        raise failure(f"{name!r} is no token's name; `phaseline sign-out {name}` ends the sign-ins of a person")

    async def run(store: Store) -> TokenRecord | None:
        await held(store)
        return await store.write(lambda connection: tokens.revoke(connection, own))

    record = with_store(on_database(), run)
    if record is None:
        raise failure(f"there is no token named {own!r}")
    remark(f"{own}: revoked since {_shown(record.revoked_at)}")


def _environments(role: Role, named: list[str]) -> list[str] | None:
    """Those that a token of this role is for; None: all."""
    if role not in SCOPED and named:
        raise failure(f"--environment: a {role} token is not for environments; only {_either(SCOPED)} tokens are")
    if role is Role.WORKFLOW and not named:
        raise failure("--environment: name the environments that the workflow may report for, or '*' for all")
    if _ALL in named and len(named) > 1:
        raise failure("--environment: '*' stands for all, so it stands alone")
    if not named or named == [_ALL]:
        return None
    try:
        return [inputs.text("--environment", name, inputs.ENVIRONMENT) for name in named]
    except BadUserInput as refusal:
        raise failure(refusal.message) from None


def _either(roles: frozenset[Role]) -> str:
    return " and ".join(sorted(roles))


def _lifetime(text: str) -> timedelta:
    found = _LIFETIME.fullmatch(text)
    lifetime = int(found[1]) * _UNITS[found[2]] if found else None
    if lifetime is None or lifetime > _LONGEST:
        raise failure(f"--expires: {text!r} is no time such as 90d, 12h, 8w or 30m, at most {_LONGEST.days}d")
    return lifetime


def _places(record: TokenRecord) -> str:
    if record.role not in SCOPED:
        return "–"
    return "all environments" if record.environments is None else ", ".join(sorted(record.environments))


def _end(record: TokenRecord) -> str:
    return "never expires" if record.expires_at is None else f"expires {_shown(record.expires_at)}"


def _shown(moment: datetime | None) -> str:
    return "–" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


def _as_json(record: TokenRecord, now: datetime) -> dict[str, object]:
    return {
        "name": record.name,
        "role": record.role.value,
        "environments": None if record.environments is None else sorted(record.environments),
        "createdAt": _iso(record.created_at),
        "expiresAt": _iso(record.expires_at),
        "revokedAt": _iso(record.revoked_at),
        "lastUsedAt": _iso(record.last_used_at),
        "state": record.state(now),
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
