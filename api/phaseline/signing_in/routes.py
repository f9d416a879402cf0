"""`/sign-in` and `/sign-out`."""

import json
from typing import Literal

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from phaseline import metrics
from phaseline.answering import NO_STORE, answering
from phaseline.callers import cookies
from phaseline.callers.provider import Provider
from phaseline.callers.resolver import Resolver
from phaseline.operations.errors import code_of
from phaseline.rates import Rates
from phaseline.signing_in.browsers import SigningIn
from phaseline_schema.refusals import BadUserInput, CallerNotLookedUp, Forbidden

PATH = "/sign-in"


def routes(
    resolver: Resolver,
    rates: Rates,
    signing_in: SigningIn,
    authentication: Literal["on", "off"],
    provider: Provider | None,
) -> APIRouter:
    """Ways to sign in, signing in with a token, and signing out. `provider`: the one people may use."""
    router = APIRouter(include_in_schema=False)

    @router.get(PATH)
    async def ways() -> Response:
        found = {"authentication": authentication, "provider": {"name": provider.name} if provider else None}
        return JSONResponse(found, headers=NO_STORE)

    @router.post(PATH)
    @answering
    async def sign_in(request: Request) -> Response:
        _only_own(request)
        token, response = await _token(request), Response(status_code=204)
        try:
            identity = await resolver.of_token(token)
            if identity.problem is not None:
                raise identity.problem
            await signing_in.begin(request, identity, response)
        except Exception as error:
            metrics.sign_in("token", code_of(error))
            raise
        metrics.sign_in("token", "accepted")
        return response

    @router.post("/sign-out")
    @answering
    async def sign_out(request: Request) -> Response:
        _only_own(request)
        problem, response = (await resolver.of_browser(request)).problem, Response(status_code=204)
        if problem is None:
            await signing_in.end(request, response)
        elif too_many := rates.unproven(problem, request):
            raise too_many
        elif isinstance(problem, CallerNotLookedUp):
            raise problem
        else:  # there is nothing to end
            signing_in.forget(request, response)
        return response

    return router


def _only_own(request: Request) -> None:
    """Else another site could sign its visitors in as somebody else, or out."""
    if not cookies.is_own(request):
        raise Forbidden("this came from a page of another site, or by way of a proxy that changed Host")


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
