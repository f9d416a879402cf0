"""`POST /webhooks/github`: GitHub tells of runs by itself, and is answered at once."""

import re
from collections.abc import Callable

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from phaseline import metrics
from phaseline.accounting.hearing import Heard, Hearing
from phaseline.answering import answering
from phaseline.github.webhooks import NotGitHubs, has_form, parse, verified
from phaseline.operations.errors import code_of
from phaseline.rates import Rates
from phaseline.refusing import refuse
from phaseline_schema.refusals import BadUserInput, Refusal, Unauthenticated

log = structlog.get_logger(__name__)

PATH = "/webhooks/github"

# The largest body that is read here, in bytes. GitHub's, which hold two repositories and a commit, have some 30,000.
LARGER = {("POST", PATH): 2**20}

_SIGNATURE = "x-hub-signature-256"
_CONTENT_TYPES = ("application/json", "application/x-www-form-urlencoded")
_DELIVERY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EVENT = re.compile(r"[a-z_]{1,64}")


def route(secret: str, hearing: Hearing, rates: Rates, ask_soon: Callable[[str], None]) -> Route:
    """Where what is signed with the secret is heard. `ask_soon`: is told of each deploy that GitHub has to be asked
    about, which is never waited for."""

    @answering
    async def hear(request: Request) -> Response:
        try:
            event, delivery_id, heard = await _heard(request)
        except Exception as error:
            metrics.delivery("BAD_REQUEST" if isinstance(error, HTTPException) else code_of(error))
            raise
        for deploy_id in heard.ask:
            ask_soon(deploy_id)
        answer = _answer(heard)
        metrics.delivery(answer)
        log.info("webhook", webhook=event, delivery=delivery_id, answer=answer, recorded=len(heard.recorded))
        return JSONResponse({"answer": answer, "recorded": len(heard.recorded)}, 202)

    async def _heard(request: Request) -> tuple[str, str, Heard]:
        body, headers = await request.body(), request.headers
        if not verified(secret, body, headers.get(_SIGNATURE)):
            raise _unsigned(request, rates)
        if headers.get("content-type", "").partition(";")[0].strip().lower() not in _CONTENT_TYPES:
            raise HTTPException(415, f"The content type must be {' or '.join(_CONTENT_TYPES)}")
        event = _header(request, "x-github-event", _EVENT)
        delivery_id = _header(request, "x-github-delivery", _DELIVERY_ID)
        try:
            delivered = parse(event, body)
        except NotGitHubs as error:
            raise HTTPException(400, f"This is no {event} of GitHub's: {error}") from None
        return event, delivery_id, Heard() if delivered is None else await hearing.deliver(delivered, delivery_id)

    return Route(PATH, hear, methods=["POST"])


class SignedOnly:
    """ASGI middleware: HTTP 401 for a delivery that nobody can have signed, before any of its body is read."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on, or refuse it."""
        is_delivery = scope["type"] == "http" and (scope["method"], scope["path"]) in LARGER
        if not is_delivery or has_form(Headers(scope=scope).get(_SIGNATURE)):
            await self._app(scope, receive, send)
            return
        refusal = _unsigned(HTTPConnection(scope), self._rates)
        metrics.delivery(refusal.code)
        await refuse(refusal, receive, send)


def _unsigned(connection: HTTPConnection, rates: Rates) -> Refusal:
    """Or that there are too many of the kind from there."""
    problem = Unauthenticated("the signature of this delivery is missing or does not hold")
    return rates.unproven(problem, connection) or problem


def _header(request: Request, name: str, form: re.Pattern[str]) -> str:
    """Raises BadUserInput."""
    value = request.headers.get(name, "")
    if not form.fullmatch(value):
        raise BadUserInput(name, "is missing, or not of GitHub's form")
    return value


def _answer(heard: Heard) -> metrics.Delivery:
    """What has come of it, in a word."""
    if heard.recorded:
        return "recorded"
    if heard.again:
        return "duplicate"
    if heard.ask:
        return "asked"
    return "nothing new" if heard.known else "ignored"
