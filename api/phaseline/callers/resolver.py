"""From what came with a request or a socket to who is calling."""

import asyncio
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog
from starlette.requests import HTTPConnection

from phaseline.callers import cookies, secret, sign_ins, tokens
from phaseline.identity import ANYBODY, NOBODY, Environments, Identity, known, unknown
from phaseline.store import Store, is_unavailable, reason
from phaseline_schema.refusals import Unauthenticated, Unavailable
from phaseline_schema.rights import Proof

_SCHEME = "bearer "

log = structlog.get_logger(__name__)


class IdTokens(Protocol):
    """Knows the ID tokens of workflow runs."""

    async def identify(self, token: str) -> Identity:
        """Who calls with this one."""


class Resolver:
    """Finds out who is calling. Without `required`, anybody may do everything."""

    def __init__(self, store: Store, id_tokens: IdTokens | None, public_url: str | None, *, required: bool) -> None:
        self._store = store
        self._id_tokens = id_tokens
        self._public_url = public_url
        self._required = required
        self._noting: set[asyncio.Task[None]] = set()

    async def of_request(self, connection: HTTPConnection) -> Identity:
        """Who sends this request, or opens this socket: by its `Authorization`, else by its cookie."""
        if not self._required:
            return ANYBODY
        authorization = connection.headers.get("authorization")
        if authorization is not None:
            return await _looked_up(self._of_authorization(authorization))
        cookie = cookies.of(connection, self._public_url)
        return await _looked_up(self._of_cookie(cookie)) if cookie else NOBODY

    async def of_socket(self, connection: HTTPConnection, payload: Mapping[str, Any]) -> Identity:
        """Who opened this socket: as its first message says, else as the request for it said."""
        authorization = payload.get("authorization")
        if authorization is None or not self._required:
            return await self.of_request(connection)
        return await _looked_up(self._of_authorization(authorization if isinstance(authorization, str) else ""))

    async def of_token(self, token: str) -> Identity:
        """Who has this token of this server's."""
        if not secret.is_token(token):
            return unknown(Unauthenticated("this is no token of this server's"))
        return await _looked_up(self._of_token(token))

    async def _of_authorization(self, authorization: str) -> Identity:
        if not authorization.lower().startswith(_SCHEME):
            return unknown(Unauthenticated("the authorization is not of the form `Bearer` and a token"))
        token = authorization[len(_SCHEME) :].strip()
        if secret.is_token(token):
            return await self._of_token(token)
        if self._id_tokens is not None and token.count(".") == 2:
            return await self._id_tokens.identify(token)
        return unknown(Unauthenticated("this is no token of this server's"))

    async def _of_token(self, token: str) -> Identity:
        record = await self._store.read(lambda connection: tokens.find(connection, token))
        now = datetime.now(UTC)
        if record is None:
            return unknown(Unauthenticated("there is no such token"))
        problem = _problem("token", record.revoked_at, record.expires_at, now)
        if problem is not None:
            return unknown(problem)
        if record.last_used_at is None or now - record.last_used_at >= tokens.USE_STEP:
            self._note(record, now)
        return known(
            f"token:{record.name}",
            record.role,
            Proof.TOKEN,
            scope=Environments(record.environments),
            expires_at=record.expires_at,
            credential=record.id,
        )

    def _note(self, record: tokens.TokenRecord, now: datetime) -> None:
        """Write down that the token was used. Nobody waits for it, and nobody is turned away where it cannot be."""
        noting = asyncio.create_task(self._store.write(lambda connection: tokens.used(connection, record, now)))
        self._noting.add(noting)
        noting.add_done_callback(self._noted)

    def _noted(self, noting: asyncio.Task[None]) -> None:
        self._noting.discard(noting)
        error = None if noting.cancelled() else noting.exception()
        if error is not None:
            log.warning("the use of a token could not be noted", error=reason(error))

    async def _of_cookie(self, cookie: str) -> Identity:
        record = await self._store.read(lambda connection: sign_ins.find(connection, cookie))
        now = datetime.now(UTC)
        if record is None:
            return unknown(Unauthenticated("there is no such sign-in"))
        problem = _problem("sign-in", record.ended_at, record.expires_at, now)
        if problem is not None:
            return unknown(problem)
        return known(
            record.name,
            record.role,
            Proof.SIGN_IN,
            scope=Environments(record.environments),
            expires_at=record.expires_at,
            credential=record.id,
        )


async def _looked_up(identity: Awaitable[Identity]) -> Identity:
    """Where the database does not answer, it is not the caller's proof that is at fault."""
    try:
        return await identity
    except Exception as error:
        if not is_unavailable(error):
            raise
        log.error("database unavailable", error=reason(error))
        return unknown(Unavailable())


def _problem(
    what: str, ended_at: datetime | None, expires_at: datetime | None, now: datetime
) -> Unauthenticated | None:
    if ended_at is not None:
        return Unauthenticated(f"this {what} is no longer good: it was ended")
    if expires_at is not None and expires_at <= now:
        return Unauthenticated(f"this {what} has expired")
    return None
