"""What has to be remembered of somebody who is at the provider's: a cookie for each time that somebody went there."""

import secrets
from hashlib import sha256
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

# How long somebody may take to sign in there, in seconds.
_SECONDS = 600

# At how many tabs. The browser sends them all with every request, so others than the newest are taken back.
_MOST = 4


class UnderWay:
    """Of one tab nothing is lost by what another does: each has a state, after which its cookie is named.

    The cookies are signed with a key that follows from the client secret, so that every node knows it. Over https their
    name forbids other hosts to set one.
    """

    def __init__(self, secret: str, *, secure: bool) -> None:
        key = sha256(b"phaseline sign-in under way " + secret.encode()).hexdigest()
        self._signed = URLSafeTimedSerializer(key, signer_kwargs={"digest_method": sha256})
        self._secure = secure
        self._prefix = f"{'__Host-' if secure else ''}phaseline-provider-"

    def begin(self, request: Request) -> str:
        """A state, under which the request's session will be kept."""
        request.scope["session"] = {}
        return secrets.token_urlsafe(24)

    def keep(self, request: Request, response: Response, state: str) -> None:
        """Have the browser remember the session, and forget those of long ago."""
        before = [name for name in request.cookies if name.startswith(self._prefix)]  # the oldest comes first
        for name in before[: 1 - _MOST]:
            self._set(response, name, "", 0)
        self._set(response, self._name(state), self._signed.dumps(request.session), _SECONDS)

    def find(self, request: Request) -> None:
        """Give the request the session of the state that it names; an empty one, where there is none."""
        request.scope["session"] = self._kept(request.cookies.get(self._name(_state(request)), ""))

    def forget(self, request: Request, response: Response) -> None:
        """A state is good for once."""
        self._set(response, self._name(_state(request)), "", 0)

    def _kept(self, cookie: str) -> dict[str, Any]:
        try:
            kept: dict[str, Any] = self._signed.loads(cookie, max_age=_SECONDS)
        except BadSignature:
            return {}
        return kept

    def _name(self, state: str) -> str:
        return self._prefix + sha256(state.encode(errors="replace")).hexdigest()[:16]

    def _set(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(name, value, max_age=seconds, secure=self._secure, httponly=True, samesite="lax")


def _state(request: Request) -> str:
    return str(request.query_params.get("state", ""))
