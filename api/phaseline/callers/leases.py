"""How long a proof holds for what outlives the request it came with: a subscription, a socket."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import structlog
from sqlalchemy import or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline.identity import Identity
from phaseline.store import Store, is_unavailable, reason
from phaseline_schema.refusals import Refusal, Unauthenticated
from phaseline_schema.tables import sign_ins, tokens

log = structlog.get_logger(__name__)

# A statement has room for some thirty thousand values.
_AT_ONCE = 10_000

OnOver = Callable[[Refusal], None]


class Leases:
    """What goes on in this process in the name of callers, each until its proof is over.

    That a token was revoked or a browser signed out is seen by looking, one look for all.
    """

    def __init__(self, store: Store, poll_seconds: float) -> None:
        self._store = store
        self._poll_seconds = poll_seconds
        self._held: defaultdict[str, set[OnOver]] = defaultdict(set)

    @contextmanager
    def held(self, identity: Identity, on_over: OnOver) -> Iterator[None]:
        """Call `on_over`, once, if the caller's proof is over while the block runs."""
        told = False

        def tell(why: Refusal) -> None:
            nonlocal told
            if not told:
                told = True
                on_over(why)

        expiry = _at(identity.expires_at, lambda: tell(Unauthenticated("what proved who is calling has expired")))
        if identity.credential is not None:
            self._held[identity.credential].add(tell)
        try:
            yield
        finally:
            if expiry is not None:
                expiry.cancel()
            if identity.credential is not None:
                self._held[identity.credential].discard(tell)
                if not self._held[identity.credential]:
                    del self._held[identity.credential]

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                await self._look()
            except Exception as error:
                if not is_unavailable(error):
                    raise
                # Viewers are told by what reads the log that the database is away; who they are has not changed.
                log.warning("cannot look whose token was revoked", error=reason(error))

    async def _look(self) -> None:
        held = list(self._held)
        for first in range(0, len(held), _AT_ONCE):
            ids = held[first : first + _AT_ONCE]
            for credential in await self._store.read(lambda connection, ids=ids: _over(connection, ids)):  # type: ignore[misc]
                for tell in list(self._held.get(credential, ())):
                    tell(Unauthenticated("what proved who is calling was ended"))


async def _over(connection: AsyncConnection, ids: list[str]) -> list[str]:
    """Which of these tokens and sign-ins were ended. A sign-in ends with the token that it was made from."""
    ended_tokens = select(tokens.c.id).where(tokens.c.id.in_(ids), tokens.c.revoked_at.is_not(None))
    ended_sign_ins = (
        select(sign_ins.c.id)
        .join_from(sign_ins, tokens, isouter=True)
        .where(sign_ins.c.id.in_(ids), or_(sign_ins.c.ended_at.is_not(None), tokens.c.revoked_at.is_not(None)))
    )
    return list((await connection.execute(union_all(ended_tokens, ended_sign_ins))).scalars())


def _at(moment: datetime | None, tell: Callable[[], None]) -> asyncio.TimerHandle | None:
    if moment is None:
        return None
    return asyncio.get_running_loop().call_later(max(0.0, (moment - datetime.now(UTC)).total_seconds()), tell)
