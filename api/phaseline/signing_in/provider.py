"""Signing in through an organisation's OpenID Connect provider: the code flow, with state, nonce and PKCE."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth, StarletteOAuth2App
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from phaseline import metrics
from phaseline.answering import NO_STORE
from phaseline.callers.provider import Provider
from phaseline.identity import Identity
from phaseline.signing_in.browsers import SigningIn
from phaseline.signing_in.under_way import UnderWay
from phaseline.store import is_unavailable, reason
from phaseline_schema.refusals import Refusal, Unauthenticated, Unavailable

PATH = "/sign-in/provider"
CALLBACK = f"{PATH}/callback"

# After how long the provider is asked anew for its addresses and keys, in seconds.
_FRESH = 600
# How long it may take to answer all that it is asked for one step, in seconds.
_PATIENCE = 10
# How far its clock may be off, in seconds.
_LEEWAY = 60

# Where the session keeps the sign-in that somebody goes to replace. Their cookie is sent on the way there only: coming
# back is another site's doing.
_BEFORE = "before"

# What a client that knows no key but the public ones can verify.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")

log = structlog.get_logger(__name__)


class _Unusable(Exception):
    """What the provider says of itself cannot be used. The text says why."""


def routes(provider: Provider, secret: str, public_url: str, signing_in: SigningIn) -> list[Route]:
    """The way to the provider, and back."""
    through = _Through(provider, secret, public_url, signing_in)
    return [Route(PATH, through.leave), Route(CALLBACK, through.come_back)]


class _Through:
    """Whatever happens, people end on a page: the provider's, or ours, whose address says what the matter is."""

    def __init__(self, provider: Provider, secret: str, public_url: str, signing_in: SigningIn) -> None:
        self._provider = provider
        self._secret = secret
        self._callback = public_url + CALLBACK
        self._signing_in = signing_in
        self._under_way = UnderWay(secret, secure=urlsplit(public_url).scheme == "https")
        self._client = self._new_client()
        self._made_at = time.monotonic()

    async def leave(self, request: Request) -> Response:
        """Send the browser to the provider."""
        try:
            async with asyncio.timeout(_PATIENCE):
                client, state = await self._asked(), self._under_way.begin(request)
                response: Response = await client.authorize_redirect(request, self._callback, state=state)
        except Exception as error:
            return _failed(error)
        request.session[_BEFORE] = self._signing_in.mark(request)
        self._under_way.keep(request, response, state)
        response.headers.update(NO_STORE)
        return response

    async def come_back(self, request: Request) -> Response:
        """Sign in who comes back from there."""
        self._under_way.find(request)
        response = await self._come_back(request)
        self._under_way.forget(request, response)
        return response

    async def _come_back(self, request: Request) -> Response:
        response = RedirectResponse("/", 303, NO_STORE)
        try:
            async with asyncio.timeout(_PATIENCE):
                identity = await self._identified(request)
            await self._signing_in.begin(request, identity, response, request.session.get(_BEFORE))
        except Exception as error:
            return _failed(error)
        metrics.sign_in("provider", "accepted")
        log.info("signed in through the provider", name=identity.name, role=identity.role)
        return response

    async def _identified(self, request: Request) -> Identity:
        client = await self._asked()
        claims_options = {
            "iss": {"essential": True, "value": self._provider.issuer},
            "aud": {"essential": True, "value": self._provider.client_id},
        }
        answered = await client.authorize_access_token(request, claims_options=claims_options, leeway=_LEEWAY)
        claims: Mapping[str, Any] | None = answered.get("userinfo")
        if claims is None:
            raise Unauthenticated("the provider sent no ID token")
        return self._provider.identify(claims)

    async def _asked(self) -> StarletteOAuth2App:
        """A client that knows the provider's addresses."""
        if time.monotonic() - self._made_at > _FRESH:
            self._client, self._made_at = self._new_client(), time.monotonic()
        client = self._client
        metadata = await client.load_server_metadata()
        if metadata.get("issuer") != self._provider.issuer:
            raise _Unusable("it calls itself by another issuer than the trust file does")
        algorithms = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        metadata["id_token_signing_alg_values_supported"] = [name for name in algorithms if name in _ALGORITHMS]
        return client

    def _new_client(self) -> StarletteOAuth2App:
        return OAuth().register(
            "provider",
            client_id=self._provider.client_id,
            client_secret=self._secret,
            server_metadata_url=f"{self._provider.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": " ".join(self._provider.scopes),
                "code_challenge_method": "S256",
                "timeout": _PATIENCE,
            },
        )


def _failed(error: Exception) -> Response:
    """Lead to the page, which tells by the code what it means; only the log says more."""
    refusal, problem = _understood(error)
    metrics.sign_in("provider", refusal.code)
    log.warning("somebody could not sign in through the provider", code=refusal.code, problem=problem)
    return RedirectResponse(f"/?sign-in={quote(refusal.code)}", 303, NO_STORE)


def _understood(error: Exception) -> tuple[Refusal, str]:
    match error:
        case Refusal():
            return error, error.message
        case AuthlibBaseError() | JoseError():  # their descriptions repeat what was sent
            return Unauthenticated(), f"{type(error).__name__}: {str(error.error)[:100]!r}"
        case httpx2.HTTPError() | _Unusable():
            return Unavailable(), f"{type(error).__name__}: {error}"
    if is_unavailable(error):
        return Unavailable(), reason(error)
    log.error("unexpected answer of the provider", exc_info=error)
    return Unavailable(), type(error).__name__
