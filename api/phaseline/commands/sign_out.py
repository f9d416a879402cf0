"""`phaseline sign-out`: end the sign-ins of somebody who is not to be let in any more."""

from typing import Annotated

import typer

from phaseline import revisions
from phaseline.callers import sign_ins
from phaseline.commands.beginning import configured, console, failure, with_store
from phaseline.store import Store


def sign_out(
    name: Annotated[str | None, typer.Argument(help="Whom, as the log names them: oidc:ann@example.com.")] = None,
    everybody: Annotated[bool, typer.Option("--everybody", help="Every browser that is signed in.")] = False,
) -> None:
    """End all sign-ins of somebody, or of everybody. It keeps nobody from signing in again."""
    if (name is None) != everybody:
        raise failure("say who is to be signed out: a name, or --everybody")

    async def run(store: Store) -> int:
        await revisions.prepare(store, None)
        return await store.write(lambda connection: sign_ins.end_of(connection, name))

    ended = with_store(configured(), run)
    if not ended and not everybody:
        raise failure(f"no browser is signed in as {name!r}")
    console.print(f"signed out: {ended} browser{'' if ended == 1 else 's'}", highlight=False)
