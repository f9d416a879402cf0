"""GraphQL over HTTP, as its specification has it, and with the status codes of the contract."""

import json
from typing import Any, NoReturn

from cross_web import HTTPException
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from strawberry.fastapi import GraphQLRouter
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.types import ExecutionResult, SubscriptionExecutionResult

from phaseline.context import Context
from phaseline.operations.errors import INTERNAL
from phaseline_schema.refusals import Refusal

_RESPONSE_JSON = "application/graphql-response+json"
_JSON = "application/json"


class Endpoint(GraphQLRouter[Context, None]):
    """`/graphql` for queries, mutations and subscriptions (WebSocket, or SSE)."""

    async def run(self, request: Any, *arguments: Any, **more: Any) -> Any:
        """Answer; a request that is no GraphQL request gets an error of the same form."""
        try:
            return await super().run(request, *arguments, **more)
        except HTTPException as error:
            content = {"errors": [{"message": error.reason, "extensions": {"code": "BAD_REQUEST"}}]}
            return JSONResponse(content, error.status_code)

    async def get_sub_response(self, request: Request) -> Response:
        """A response of this request's own, which carries the media type that it asked for."""
        response = Response(media_type=_media_type(request.headers.get("accept", "")))
        response.raw_headers.clear()  # they would be sent beside those of a stream
        return response

    async def parse_http_body(self, request: Any) -> Any:
        """As inherited, but an answer and not a crash for JSON that is no request."""
        if request.method == "POST" and _JSON in (request.content_type or ""):
            body = self.parse_json(await request.get_body())
            if not isinstance(body, dict | list):
                raise HTTPException(400, "The request body must be a JSON object")
            if isinstance(body, dict) and not isinstance(body.get("operationName", ""), str | None):
                raise HTTPException(400, "`operationName` must be a string or null")
        return await super().parse_http_body(request)

    def parse_json(self, data: str | bytes) -> Any:
        """JSON as its standard has it: no NaN, and text that is UTF-8."""
        try:
            return json.loads(data, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise HTTPException(400, "Unable to parse request body as JSON") from None

    async def execute_operation(
        self,
        request: Request,
        request_adapter: Any,
        request_data: GraphQLRequestData | list[GraphQLRequestData],
        context: Context,
        root_value: None,
        sub_response: Response,
    ) -> ExecutionResult | list[ExecutionResult] | SubscriptionExecutionResult:
        """As inherited; what the result says decides the status."""
        result = await super().execute_operation(
            request, request_adapter, request_data, context, root_value, sub_response
        )
        if isinstance(result, ExecutionResult):
            sub_response.status_code = _status(result, sub_response.media_type)
        return result

    def create_response(
        self,
        response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse],
        sub_response: Response,
    ) -> Response:
        """The answer in the media type that was asked for."""
        return Response(
            self.encode_json(response_data),
            status_code=sub_response.status_code,
            media_type=sub_response.media_type,
        )


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _media_type(accept: str) -> str:
    """The better liked of the two; application/json where nothing is said (as the spec asks)."""
    liking = dict.fromkeys((_RESPONSE_JSON, _JSON), 0.0)
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name in liking:
            liking[name] = _quality(parameters)
    return _RESPONSE_JSON if liking[_RESPONSE_JSON] > liking[_JSON] else _JSON


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _status(result: ExecutionResult, media_type: str | None) -> int:
    errors = result.errors or []
    for error in errors:
        if isinstance(error.original_error, Refusal):
            return error.original_error.http_status
        if _code(error) == INTERNAL:
            return 500
    # Before anything was executed. The older media type says 200 to everything it can read.
    if errors and result.data is None and media_type == _RESPONSE_JSON:
        return 400
    return 200


def _code(error: GraphQLError) -> object:
    return (error.extensions or {}).get("code")
