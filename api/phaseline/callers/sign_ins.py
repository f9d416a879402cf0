"""Browsers that are signed in, in the database. The caller owns the transaction."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline.callers import secret
from phaseline.callers.tokens import read, written
from phaseline.databases import clock
from phaseline.identity import Identity
from phaseline_schema.rights import Role
from phaseline_schema.tables import sign_ins, tokens

# How long one that has expired is still there to say so to its browser.
_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SignInRecord:
    """A row of `sign_ins`. `token_id`: the token that it was made from, where it was one."""

    id: str
    name: str
    role: Role
    environments: frozenset[str] | None
    token_id: str | None
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None


_NAMES = [field.name for field in fields(SignInRecord)]

_of_hashes = (
    select(*(sign_ins.c[name] for name in _NAMES), tokens.c.revoked_at, sign_ins.c.hash)
    .join_from(sign_ins, tokens, isouter=True)
    .where(sign_ins.c.hash.in_(bindparam("hashes", expanding=True)))
)


async def begin(connection: AsyncConnection, identity: Identity, lifetime: timedelta) -> tuple[SignInRecord, str]:
    """Sign a browser in, and return what its cookie has to hold. It lasts no longer than what was proven with."""
    assert identity.role is not None
    cookie, now = secret.new_cookie(), await clock.now(connection)
    await connection.execute(delete(sign_ins).where(sign_ins.c.expires_at < now - _KEPT))
    environments = identity.scope.described()
    latest = now + lifetime
    record = SignInRecord(
        id=str(uuid.uuid4()),
        name=identity.name,
        role=identity.role,
        environments=None if environments is None else frozenset(environments),
        token_id=identity.credential,
        created_at=now,
        expires_at=min(latest, identity.expires_at or latest),
        ended_at=None,
    )
    row = {field.name: getattr(record, field.name) for field in fields(record)}
    row |= {"role": record.role.value, "environments": written(environments), "hash": secret.hashed(cookie)}
    await connection.execute(insert(sign_ins).values(row))
    return record, cookie


async def find(connection: AsyncConnection, cookies: Collection[str]) -> dict[str, SignInRecord | None]:
    """For each of these cookies its sign-in, over or not, where there is one. It has ended with its token."""
    by_hash = {secret.hashed(cookie): cookie for cookie in cookies}
    rows = await connection.execute(_of_hashes, {"hashes": list(by_hash)})
    found: dict[str, SignInRecord | None] = dict.fromkeys(cookies)
    return found | {by_hash[row.hash]: _record(tuple(row)[:-1]) for row in rows}


def _record(row: tuple[Any, ...]) -> SignInRecord:
    *content, revoked_at = row
    values = dict(zip(_NAMES, content, strict=True))
    return SignInRecord(
        **values
        | {
            "role": Role(values["role"]),
            "environments": read(values["environments"]),
            "ended_at": values["ended_at"] or revoked_at,
        }
    )


async def end(connection: AsyncConnection, hashed: str) -> None:
    """Sign out the browser whose cookie has this hash."""
    mine = (sign_ins.c.hash == hashed, sign_ins.c.ended_at.is_(None))
    await connection.execute(update(sign_ins).where(*mine).values(ended_at=await clock.now(connection)))


async def end_of(connection: AsyncConnection, name: str | None) -> int:
    """Sign out every browser of whoever has this name; None: of everybody. Returns how many were signed in."""
    now = await clock.now(connection)
    running = [sign_ins.c.ended_at.is_(None), sign_ins.c.expires_at > now]
    if name is not None:
        running.append(sign_ins.c.name == name)
    return (await connection.execute(update(sign_ins).where(*running).values(ended_at=now))).rowcount
