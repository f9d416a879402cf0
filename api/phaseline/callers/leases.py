"""How long a proof holds for what outlives the request it came with: a subscription, a socket."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import structlog
from sqlalchemy import select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline.identity import Identity
from phaseline.store import Store, is_unavailable, reason
from phaseline_schema.refusals import Refusal, Unauthenticated
from phaseline_schema.tables import sign_ins, tokens

log = structlog.get_logger(__name__)

# A statement has room for some thirty thousand values, and each id is in it twice.
_AT_ONCE = 10_000

# In seconds. However seldom a process looks for news: what was revoked is to end within this time.
_LATEST = 5.0

# In seconds. Timers are no longer than this: a machine that slept has slept through a part of them.
_LONGEST = 60.0

OnOver = Callable[[Refusal], None]


class Leases:
    """What goes on in this process in the name of callers, each until its proof is over.

    That a token was revoked or a browser signed out is seen by looking, one look for all.
    """

    def __init__(self, store: Store, poll_seconds: float) -> None:
        self._store = store
        self._poll_seconds = min(poll_seconds, _LATEST)
        self._held: defaultdict[str, set[OnOver]] = defaultdict(set)
        self._away = False

    @contextmanager
    def held(self, identity: Identity, on_over: OnOver) -> Iterator[None]:
        """Call `on_over`, once, if the caller's proof is over while the block runs."""
        told = False

        def tell(why: Refusal) -> None:
            nonlocal told
            if not told:
                told = True
                on_over(why)

        expiry = _Expiry(identity.expires_at, tell)
        if identity.credential is not None:
            self._held[identity.credential].add(tell)
        try:
            yield
        finally:
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
                if not self._away:
                    log.warning("the database does not say whose token was revoked", error=reason(error))
                self._away = True
            else:
                self._away = False

    async def _look(self) -> None:
        held = list(self._held)
        for first in range(0, len(held), _AT_ONCE):
            ids = held[first : first + _AT_ONCE]
            good = await self._store.read(partial(_good, ids=ids))
            for credential in set(ids) - good:
                for tell in list(self._held.get(credential, ())):
                    tell(Unauthenticated("what proved who is calling was ended"))


class _Expiry:
    """Tells when a moment has come, by the clock on the wall. None: never."""

    def __init__(self, moment: datetime | None, tell: OnOver) -> None:
        self._moment = moment
        self._tell = tell
        self._timer: asyncio.TimerHandle | None = None
        self._look()

    def cancel(self) -> None:
        """Do not tell any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        if self._moment is None:
            return
        left = (self._moment - datetime.now(UTC)).total_seconds()
        if left <= 0 and self._timer is not None:
            self._tell(Unauthenticated("what proved who is calling has expired"))
        else:
            # Never from within the call that begins it: who is to be told is not ready yet.
            self._timer = asyncio.get_running_loop().call_later(min(max(left, 0.0), _LONGEST), self._look)


async def _good(connection: AsyncConnection, ids: list[str]) -> set[str]:
    """Which of these tokens and sign-ins still hold: one that is not there at all, as after a restore, does not.

    A sign-in ends with the token that it was made from.
    """
    good_tokens = select(tokens.c.id).where(tokens.c.id.in_(ids), tokens.c.revoked_at.is_(None))
    good_sign_ins = (
        select(sign_ins.c.id)
        .join_from(sign_ins, tokens, isouter=True)
        .where(sign_ins.c.id.in_(ids), sign_ins.c.ended_at.is_(None), tokens.c.revoked_at.is_(None))
    )
    return set((await connection.execute(union_all(good_tokens, good_sign_ins))).scalars())
