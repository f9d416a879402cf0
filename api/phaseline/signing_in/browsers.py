"""Signs browsers in and out. A page never holds more than a cookie that it cannot read."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from phaseline.callers import cookies, secret, sign_ins
from phaseline.callers.sign_ins import SignInRecord
from phaseline.identity import Identity
from phaseline.store import Store
from phaseline_schema.refusals import Forbidden
from phaseline_schema.rights import Right

# What a browser shows. Whoever may do neither has nothing to do in one.
_SHOWN = frozenset({Right.READ_DEPLOYS, Right.READ_AUDIT})


class SigningIn:
    """Signs browsers in, each for as long as the settings and what it has proven allow."""

    def __init__(self, store: Store, lifetime: timedelta, public_url: str | None) -> None:
        self._store = store
        self._lifetime = lifetime
        self._public_url = public_url

    async def begin(self, request: Request, identity: Identity, response: Response, before: str | None = None) -> None:
        """Sign in who was identified; the cookie goes out with the response. Raises Forbidden.

        The sign-in whose place it takes ends. `before`: its `mark`, where the request comes without its cookie.
        """
        if identity.role is None or identity.rights.isdisjoint(_SHOWN):
            raise Forbidden("this token is for programs, and not for a browser")
        replaced = self.mark(request) or before

        async def write(connection: AsyncConnection) -> tuple[SignInRecord, str]:
            if replaced is not None:
                await sign_ins.end(connection, replaced)
            return await sign_ins.begin(connection, identity, self._lifetime)

        record, cookie = await self._store.write(write)
        seconds = (record.expires_at - datetime.now(UTC)).total_seconds()
        self._set(request, response, cookie, max(0, int(seconds)))

    async def end(self, request: Request, response: Response) -> None:
        """Sign the browser out, here and in the browser itself."""
        mark = self.mark(request)
        if mark is not None:
            await self._store.write(lambda connection: sign_ins.end(connection, mark))
        self.forget(request, response)

    def forget(self, request: Request, response: Response) -> None:
        """Take its cookie from the browser, where that stands for nothing any more."""
        self._set(request, response, "", 0)

    def cookie(self, request: Request) -> str | None:
        """What the browser that sends this is signed in by."""
        return cookies.of(request, self._public_url)

    def mark(self, request: Request) -> str | None:
        """What the sign-in of the browser that sends this can be told by, but nobody can sign in with."""
        cookie = self.cookie(request)
        return None if cookie is None else secret.hashed(cookie)

    def _set(self, request: Request, response: Response, value: str, seconds: int) -> None:
        secure = cookies.is_secure(request, self._public_url)
        response.set_cookie(
            cookies.name(secure=secure), value, max_age=seconds, secure=secure, httponly=True, samesite="strict"
        )
