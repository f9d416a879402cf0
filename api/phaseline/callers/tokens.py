"""Tokens in the database. The caller owns the transaction."""

import json
import uuid
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline.callers import secret
from phaseline.databases import clock
from phaseline_schema.rights import Role
from phaseline_schema.tables import tokens

# What the log puts before the name of a token. No name of a token has a colon in it.
PREFIX = "token:"


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A row of `tokens`. `environments`: those it is for, None: all."""

    id: str
    name: str
    role: Role
    environments: frozenset[str] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def state(self, now: datetime) -> Literal["valid", "revoked", "expired"]:
        """Whether somebody may still call with it."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "valid"


class NameTaken(Exception):
    """A token of this name has been made before; a name in the log is one caller's for good."""


_rows = select(*(tokens.c[field.name] for field in fields(TokenRecord)))
_of_hashes = _rows.add_columns(tokens.c.hash).where(tokens.c.hash.in_(bindparam("hashes", expanding=True)))


async def create(
    connection: AsyncConnection,
    name: str,
    role: Role,
    environments: Collection[str] | None,
    lifetime: timedelta | None,
) -> tuple[TokenRecord, str]:
    """Make a token. Returned beside its record, it is in no other place from then on. Raises NameTaken."""
    token, now = secret.new_token(), await clock.now(connection)
    record = TokenRecord(
        id=str(uuid.uuid4()),
        name=name,
        role=role,
        environments=None if environments is None else frozenset(environments),
        created_at=now,
        expires_at=None if lifetime is None else now + lifetime,
        revoked_at=None,
        last_used_at=None,
    )
    row = {field.name: getattr(record, field.name) for field in fields(record)}
    row |= {"role": role.value, "environments": written(record.environments), "hash": secret.hashed(token)}
    try:
        await connection.execute(insert(tokens).values(row))
    except IntegrityError:  # whoever asked at the same moment was first, or somebody long ago
        raise NameTaken(name) from None
    return record, token


async def every(connection: AsyncConnection) -> list[TokenRecord]:
    """All tokens, oldest first, those that are over included."""
    rows = await connection.execute(_rows.order_by(tokens.c.created_at, tokens.c.id))
    return [_record(row) for row in rows]


async def were_made(connection: AsyncConnection) -> bool:
    """Whether there is any, even one that is over."""
    return (await connection.execute(select(tokens.c.id).limit(1))).first() is not None


async def find(connection: AsyncConnection, wanted: Collection[str]) -> dict[str, TokenRecord | None]:
    """For each of these tokens its record, over or not, where there is one."""
    by_hash = {secret.hashed(token): token for token in wanted}
    rows = await connection.execute(_of_hashes, {"hashes": list(by_hash)})
    found: dict[str, TokenRecord | None] = dict.fromkeys(wanted)
    return found | {by_hash[row.hash]: _record(tuple(row)[:-1]) for row in rows}


async def revoke(connection: AsyncConnection, name: str) -> TokenRecord | None:
    """End the token of this name from now on, if it is not over already; None where there is none."""
    mine = tokens.c.name == name
    now = await clock.now(connection)
    await connection.execute(update(tokens).where(mine, tokens.c.revoked_at.is_(None)).values(revoked_at=now))
    row = (await connection.execute(_rows.where(mine))).first()
    return _record(row) if row else None


async def used(connection: AsyncConnection, token_id: str, at: datetime) -> None:
    """Write down that it was used, unless somebody has written down a later use."""
    before = or_(tokens.c.last_used_at.is_(None), tokens.c.last_used_at < at)
    await connection.execute(update(tokens).where(tokens.c.id == token_id, before).values(last_used_at=at))


def written(environments: Collection[str] | None) -> str | None:
    """Environments as they are kept: a JSON list, or null for all."""
    return None if environments is None else json.dumps(sorted(environments))


def read(environments: str | None) -> frozenset[str] | None:
    """The same, read."""
    return None if environments is None else frozenset(json.loads(environments))


def _record(row: tuple) -> TokenRecord:  # type: ignore[type-arg]
    values = dict(zip((field.name for field in fields(TokenRecord)), row, strict=True))
    return TokenRecord(**values | {"role": Role(values["role"]), "environments": read(values["environments"])})
