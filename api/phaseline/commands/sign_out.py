"""`phaseline sign-out`: end the sign-ins of somebody who is not to be let in any more."""

from typing import Annotated

import typer

from phaseline.callers import sign_ins, tokens
from phaseline.commands.beginning import console, failure, held, on_database, remark, with_store
from phaseline.store import Store


def sign_out(
    name: Annotated[
        str | None, typer.Argument(help="Whom, as the log names them: oidc:ann@example.com, or token:ann.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--everybody", help="Every browser that is signed in.")] = False,
) -> None:
    """End all sign-ins of somebody, or of everybody. It keeps nobody from signing in again."""
    if (name is None) != everybody:
        raise failure("say who is to be signed out: a name, or --everybody")
    # Only tokens have names without a colon in them.
    whom = name if name is None or ":" in name else f"{tokens.PREFIX}{name}"

    async def run(store: Store) -> int:
        await held(store)
        return await store.write(lambda connection: sign_ins.end_of(connection, whom))

    ended = with_store(on_database(), run)
    if not ended and not everybody:
        raise failure(f"no browser is signed in as {whom!r}")
    console.print(f"signed out: {ended} browser{'' if ended == 1 else 's'}", highlight=False)
    if whom is not None and whom.startswith(tokens.PREFIX):
        token = whom.removeprefix(tokens.PREFIX)
        remark(f"The token itself is as good as before; `phaseline token revoke {token}` ends it.")
