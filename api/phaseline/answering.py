"""Answers of routes that are no GraphQL, in the form of a GraphQL error where they refuse."""

from collections.abc import Awaitable, Callable
from functools import wraps

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from phaseline.refusing import content
from phaseline.store import is_unavailable, reason
from phaseline_schema.refusals import Refusal, Unavailable

NO_STORE = {"cache-control": "no-store"}

log = structlog.get_logger(__name__)

Handler = Callable[[Request], Awaitable[Response]]


def answering(handler: Handler) -> Handler:
    """The same, with refusals as answers, a database that is away among them. Nobody keeps a copy of any answer."""

    @wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            response = await handler(request)
        except Refusal as refusal:
            response = JSONResponse(content(refusal), refusal.http_status)
            if refusal.http_status == 429:  # on a 503 the door says so
                response.headers["retry-after"] = str(refusal.details["retryAfterSeconds"])
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.error("database unavailable", error=reason(error))
            response = JSONResponse(content(Unavailable()), Unavailable.http_status)
        response.headers.update(NO_STORE)
        return response

    return answer
