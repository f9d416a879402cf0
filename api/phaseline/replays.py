"""ID tokens that a callback came with: the same one with the same callback gets the same answer, with another none.

A callback that its sender may not send uses its token up for nothing: that one is judged anew.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import history
from phaseline.identity import Identity
from phaseline_schema.records import Callback, EntryRecord
from phaseline_schema.refusals import Forbidden, Refusal, repeated
from phaseline_schema.tables import used_id_tokens

# A token is kept for longer than it lives: a node's clock, by which it is judged, may be behind the database's.
_CLOCKS_APART = timedelta(hours=1)

# How many are forgotten at a time, so that no callback waits for long.
_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Before:
    """What the same token came with before: the answer it was given, or the reason why it gets none."""

    entry: EntryRecord | None = None
    refusal: Refusal | None = None
    misuse: Refusal | None = None


async def answered(connection: AsyncConnection, identity: Identity, callback: Callback) -> Before:
    """What the caller's ID token came with before; nothing, where its proof is another.

    The caller has to be alone with the token's run (runs.py), or two would be told that it is new.
    """
    run = identity.run
    if run is None:
        return Before()
    columns = used_id_tokens.c
    mine = select(used_id_tokens).where(columns.issuer == run.issuer, columns.jti == run.jti)
    found = (await connection.execute(mine)).first()
    if found is None:
        return Before()
    if found.callback != _digest(callback):
        return Before(misuse=Forbidden("this token has been used for another callback", claim="jti"))
    entries = await history.entries_between(connection, found.deploy_id, found.sequence - 1, found.sequence)
    return Before(entries[-1], repeated(json.loads(found.refusal)) if found.refusal else None)


async def remember(
    connection: AsyncConnection, identity: Identity, callback: Callback, entry: EntryRecord, refusal: Refusal | None
) -> None:
    """Keep the answer for as long as the token could come again, and forget some of those that cannot."""
    run = identity.run
    if run is None:
        return
    await _forget(connection, entry.recorded_at)
    await connection.execute(
        insert(used_id_tokens).values(
            issuer=run.issuer,
            jti=run.jti,
            callback=_digest(callback),
            deploy_id=entry.deploy_id,
            sequence=entry.sequence,
            refusal=json.dumps(refusal.as_stored) if refusal else None,
            expires_at=run.expires_at,
        )
    )


async def _forget(connection: AsyncConnection, now: datetime) -> None:
    """Those that somebody else is just forgetting are left to him."""
    columns = used_id_tokens.c
    gone = (
        select(columns.issuer, columns.jti)
        .where(columns.expires_at < now - _CLOCKS_APART)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    await connection.execute(delete(used_id_tokens).where(tuple_(columns.issuer, columns.jti).in_(gone)))


def _digest(callback: Callback) -> str:
    return sha256(json.dumps(asdict(callback), sort_keys=True).encode()).hexdigest()
