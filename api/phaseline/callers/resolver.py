"""From what came with a request or a socket to who is calling."""

from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import HTTPConnection

from phaseline.callers import cookies, secret, sign_ins, tokens
from phaseline.callers.asking import Asking
from phaseline.callers.sign_ins import SignInRecord
from phaseline.callers.tokens import TokenRecord
from phaseline.callers.uses import Uses
from phaseline.gathering import Gathering
from phaseline.identity import ANYBODY, Environments, Identity, known, nobody, unknown
from phaseline.settings import is_loopback
from phaseline.store import Store, is_unavailable, reason
from phaseline_schema.refusals import CallerNotLookedUp, Forbidden, Unauthenticated
from phaseline_schema.rights import Proof

Record = TypeVar("Record")

# How many callers are looked up by one statement.
_TOGETHER = 500

_SCHEME = "bearer"
_NOT_FOR_HERE = "authentication is off, so this server answers only where it is asked as localhost"

log = structlog.get_logger(__name__)


class IdTokens(Protocol):
    """Knows the ID tokens of workflow runs."""

    async def identify(self, token: str) -> Identity:
        """Who calls with this one."""


class Resolver:
    """Finds out who is calling. Without `required`, anybody may do everything."""

    def __init__(
        self,
        store: Store,
        id_tokens: IdTokens | None,
        asking: Asking,
        public_url: str | None,
        *,
        required: bool,
    ) -> None:
        self._store = store
        self._asking = asking
        self._id_tokens = id_tokens
        self._public_url = public_url
        self._required = required
        self._uses = Uses(store)
        # When all viewers come back at once, each with a proof of its own, the database is asked a few times.
        self._tokens: Gathering[str, TokenRecord | None] = Gathering(partial(self._find, tokens.find), _TOGETHER)
        self._sign_ins: Gathering[str, SignInRecord | None] = Gathering(partial(self._find, sign_ins.find), _TOGETHER)

    async def finish(self) -> None:
        """Write down what is still to be written."""
        await self._uses.finish()

    async def of_request(self, connection: HTTPConnection) -> Identity:
        """Who sends this request, or opens this socket: by a bearer's `Authorization`, else by its cookie.

        Another scheme's may be what a proxy asks for before this server.
        """
        if not self._required:
            return ANYBODY if _is_for_here(connection) else unknown(Forbidden(_NOT_FOR_HERE))
        authorization = connection.headers.get("authorization")
        if cookies.of(connection, self._public_url) and not _is_bearers(authorization or ""):
            return await self.of_browser(connection)
        if authorization is not None:
            return await _looked_up(self._of_authorization(authorization, connection))
        return nobody()

    async def of_browser(self, connection: HTTPConnection) -> Identity:
        """Who is signed in in the browser that sends this."""
        cookie = cookies.of(connection, self._public_url)
        if not cookie:
            return nobody()
        return await _looked_up(self._unless_guessed(self._of_cookie, cookie, connection))

    async def of_socket(self, connection: HTTPConnection, payload: Mapping[str, Any]) -> Identity:
        """Who opened this socket: as its first message says, else as the request for it said."""
        authorization = payload.get("authorization")
        if authorization is None or not self._required:
            return await self.of_request(connection)
        text = authorization if isinstance(authorization, str) else ""
        return await _looked_up(self._of_authorization(text, connection))

    async def of_token(self, token: str) -> Identity:
        """Who has this token of this server's."""
        if not secret.is_token(token):
            return unknown(Unauthenticated("this is no token of this server's"))
        return await _looked_up(self._of_token(token))

    async def _find(
        self,
        find: Callable[[AsyncConnection, Collection[str]], Coroutine[Any, Any, Mapping[str, Record]]],
        proofs: Collection[str],
    ) -> Mapping[str, Record]:
        return await self._store.look(lambda connection: find(connection, proofs))

    async def _of_authorization(self, authorization: str, connection: HTTPConnection) -> Identity:
        if not _is_bearers(authorization):
            return unknown(Unauthenticated("the authorization is not of the form `Bearer` and a token"))
        token = authorization[len(_SCHEME) :].strip()
        if secret.is_token(token):
            return await self._unless_guessed(self._of_token, token, connection)
        if self._id_tokens is not None and token.count(".") == 2:
            return await self._id_tokens.identify(token)
        return unknown(Unauthenticated("this is no token of this server's"))

    async def _unless_guessed(
        self, find: Callable[[str], Awaitable[Identity]], proof: str, connection: HTTPConnection
    ) -> Identity:
        refusal = self._asking.refusal(proof, connection)
        if refusal is not None:
            return unknown(refusal)
        identity = await find(proof)
        self._asking.note(proof, held=identity.problem is None)
        return identity

    async def _of_token(self, token: str) -> Identity:
        record = await self._tokens.found(token)
        now = datetime.now(UTC)
        if record is None:
            return unknown(Unauthenticated("there is no such token"))
        problem = _problem("token", record.revoked_at, record.expires_at, now)
        if problem is not None:
            return unknown(problem)
        self._uses.note(record, now)
        return known(
            f"{tokens.PREFIX}{record.name}",
            record.role,
            Proof.TOKEN,
            scope=Environments(record.environments),
            expires_at=record.expires_at,
            credential=record.id,
        )

    async def _of_cookie(self, cookie: str) -> Identity:
        record = await self._sign_ins.found(cookie)
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


def _is_bearers(authorization: str) -> bool:
    return authorization.partition(" ")[0].lower() == _SCHEME


def _is_for_here(connection: HTTPConnection) -> bool:
    """Whether it is this machine by its own name that was asked. Another site may let a name of its own lead here, and
    its pages are of the same origin then."""
    try:
        return is_loopback(urlsplit(f"//{connection.headers.get('host', '')}").hostname or "")
    except ValueError:  # no name at all
        return False


async def _looked_up(identity: Awaitable[Identity]) -> Identity:
    """Where the database does not answer, it is not the caller's proof that is at fault."""
    try:
        return await identity
    except Exception as error:
        if not is_unavailable(error):
            raise
        log.error("database unavailable", error=reason(error))
        return unknown(CallerNotLookedUp())


def _problem(
    what: str, ended_at: datetime | None, expires_at: datetime | None, now: datetime
) -> Unauthenticated | None:
    if ended_at is not None:
        return Unauthenticated(f"this {what} is no longer good: it was ended")
    if expires_at is not None and expires_at <= now:
        return Unauthenticated(f"this {what} has expired")
    return None
