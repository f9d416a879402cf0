"""Signing in and out in a browser: `/sign-in` and `/sign-out`. A page never holds more than a cookie it cannot read."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Literal

import structlog
from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from phaseline.callers import cookies, sign_ins
from phaseline.callers.resolver import Resolver
from phaseline.callers.sign_ins import SignInRecord
from phaseline.identity import Identity
from phaseline.refusing import content
from phaseline.store import Store, is_unavailable, reason
from phaseline_schema.refusals import BadUserInput, Forbidden, Refusal, Unavailable
from phaseline_schema.rights import Right

PATH = "/sign-in"
NO_STORE = {"cache-control": "no-store"}

# What a browser shows. Whoever may do neither has nothing to do in one.
_SHOWN = frozenset({Right.READ_DEPLOYS, Right.READ_AUDIT})

log = structlog.get_logger(__name__)

Handler = Callable[[Request], Awaitable[Response]]


class SigningIn:
    """Signs browsers in, each for as long as the settings and what it has proven allow."""

    def __init__(self, store: Store, lifetime: timedelta, public_url: str | None) -> None:
        self._store = store
        self._lifetime = lifetime
        self._public_url = public_url

    async def begin(self, request: Request, identity: Identity, response: Response) -> None:
        """Sign in who was identified; the cookie goes out with the response. Raises Forbidden."""
        if identity.role is None or identity.rights.isdisjoint(_SHOWN):
            raise Forbidden(f"{identity.name} has nothing to do in a browser")
        before = self.cookie(request)

        async def write(connection: AsyncConnection) -> tuple[SignInRecord, str]:
            if before is not None:
                await sign_ins.end(connection, before)
            return await sign_ins.begin(connection, identity, self._lifetime)

        record, cookie = await self._store.write(write)
        seconds = (record.expires_at - datetime.now(UTC)).total_seconds()
        self._set(request, response, cookie, max(0, int(seconds)))

    async def end(self, request: Request, response: Response) -> None:
        """Sign the browser out, here and in the browser itself."""
        cookie = self.cookie(request)
        if cookie is not None:
            await self._store.write(lambda connection: sign_ins.end(connection, cookie))
        self._set(request, response, "", 0)

    def cookie(self, request: Request) -> str | None:
        """What the browser that sends this is signed in by."""
        return cookies.of(request, self._public_url)

    def _set(self, request: Request, response: Response, value: str, seconds: int) -> None:
        secure = cookies.is_secure(request, self._public_url)
        response.set_cookie(
            cookies.name(secure=secure), value, max_age=seconds, secure=secure, httponly=True, samesite="strict"
        )


def routes(
    resolver: Resolver, signing_in: SigningIn, authentication: Literal["on", "off"], provider: str | None
) -> APIRouter:
    """Ways to sign in, signing in with a token, and signing out. `provider`: the name of the one people may use."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    async def ways() -> Response:
        found = {"authentication": authentication, "provider": {"name": provider} if provider else None}
        return JSONResponse(found, headers=NO_STORE)

    @router.post(PATH)
    @answering
    async def sign_in(request: Request) -> Response:
        _only_own(request)
        identity = await resolver.of_token(await _token(request))
        if identity.problem is not None:
            raise identity.problem
        response = Response(status_code=204)
        await signing_in.begin(request, identity, response)
        return response

    @router.post("/sign-out")
    @answering
    async def sign_out(request: Request) -> Response:
        _only_own(request)
        response = Response(status_code=204)
        await signing_in.end(request, response)
        return response

    return router


def answering(handler: Handler) -> Handler:
    """The same, with refusals as answers, a database that is away among them. Nobody keeps a copy of any answer."""

    @wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            response = await handler(request)
        except Refusal as refusal:
            response = JSONResponse(content(refusal), refusal.http_status)
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.error("database unavailable", error=reason(error))
            response = JSONResponse(content(Unavailable()), Unavailable.http_status)
        response.headers.update(NO_STORE)
        return response

    return answer


def _only_own(request: Request) -> None:
    """Else another site could sign its visitors in as somebody else, or out."""
    if not cookies.is_own(request):
        raise Forbidden("a page of another site may not do this")


async def _token(request: Request) -> str:
    """The token that was sent. Raises BadUserInput."""
    # Anything else a page of another site could send without asking first.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(400, "The content type must be application/json")
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise HTTPException(400, "The request body must be JSON") from None
    token = body.get("token") if isinstance(body, dict) else None
    if not isinstance(token, str):
        raise BadUserInput("token", "must be a string")
    return token.strip()
