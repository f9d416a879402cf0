"""GraphQL over HTTP, as its specification has it, and with the status codes of the contract."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from http import HTTPStatus
from typing import Any, NoReturn, cast

from anyio import CancelScope
from cross_web import HTTPException
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Send
from strawberry import Schema
from strawberry.exceptions import MissingQueryError
from strawberry.fastapi import GraphQLRouter
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult, SubscriptionExecutionResult
from strawberry.types.graphql import OperationType

from phaseline import metrics
from phaseline.context import Context
from phaseline.headers import ALWAYS
from phaseline.joining import Asked, key_of
from phaseline.operations.documents import core, follows
from phaseline.rates import who
from phaseline.refusing import answer
from phaseline.stopping import Stopping
from phaseline.streams import Encoded, shared
from phaseline_schema.refusals import Fault, RateLimited, Refusal, TooManySockets, Unavailable

_RESPONSE_JSON = "application/graphql-response+json"
_JSON = "application/json"

# Whoever is refused so may come again, and is told when.
_COME_AGAIN = (RateLimited.http_status, Unavailable.http_status)

# Python does not convert numbers of thousands, and graphql-core repeats those that are too large.
_DIGITS = 30


# Finds out who calls, and what a request or a socket is given.
ContextOf = Callable[[HTTPConnection], Awaitable[Context]]


class Endpoint(GraphQLRouter[Context, None]):
    """`/graphql` for queries, mutations and subscriptions (WebSocket, or SSE)."""

    def __init__(self, schema: Schema, stopping: Stopping, context_of: ContextOf, **more: Any) -> None:
        super().__init__(schema, **more)
        self._stopping = stopping
        self._context_of = context_of

    def routes_at(self, path: str) -> list[BaseRoute]:
        """What the application serves it by. FastAPI's own routes would solve the same dependencies anew for each
        request, which takes longer than many a request does."""
        http = Route(path, self._answer, methods=["GET", "POST"])
        http.methods = {"GET", "POST"}  # without HEAD, which Starlette adds
        return [http]

    def admits(self, connection: HTTPConnection) -> bool:
        """Whether a page of the origin that asks may open a WebSocket here."""
        return self._check_websocket_origin(connection)  # type: ignore[arg-type]

    async def _answer(self, request: Request) -> Response:
        context = await self._context_of(request)
        context.request = request
        response: Response = await self.run(request, context, None)
        return response

    async def run(self, request: Any, *arguments: Any, **more: Any) -> Any:
        """Answer; a request that is no GraphQL request gets an error of the same form."""
        try:
            return await super().run(request, *arguments, **more)
        except HTTPException as error:
            return refused(error.status_code, error.reason)

    def should_render_graphql_ide(self, request: Any) -> bool:
        """Never: without a query there is nothing to answer, whoever asks."""
        return False

    async def get_sub_response(self, request: Request) -> Response:
        """A response of this request's own, which carries the media type that it asked for."""
        response = Response(media_type=_media_type(request.headers.get("accept", "")))
        response.raw_headers.clear()  # they would be sent beside those of a stream
        return response

    async def parse_http_body(self, request: Any) -> Any:
        """As inherited, but an answer and not a crash for JSON that is no request."""
        if request.method == "POST":
            # Anything else a page of another site could send without asking first.
            if (request.content_type or "").partition(";")[0].strip().lower() != _JSON:
                raise HTTPException(400, f"The content type must be {_JSON}")
            body = self.parse_json(await request.get_body())
            if not isinstance(body, dict | list):
                raise HTTPException(400, "The request body must be a JSON object")
            if isinstance(body, dict) and not isinstance(body.get("operationName", ""), str | None):
                raise HTTPException(400, "`operationName` must be a string or null")
        return await super().parse_http_body(request)

    def decode_json(self, data: str | bytes) -> object:
        """JSON as its standard has it: no NaN, and text that is UTF-8; and no number longer than any value here. Raises
        JSONDecodeError for all else."""
        try:
            text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
            return _DECODER.decode(text)
        except (ValueError, RecursionError):
            raise json.JSONDecodeError("not JSON", "", 0) from None

    async def execute_operation(
        self,
        request: Request,
        request_adapter: Any,
        request_data: GraphQLRequestData | list[GraphQLRequestData],
        context: Context,
        root_value: None,
        sub_response: Response,
    ) -> ExecutionResult | list[ExecutionResult] | SubscriptionExecutionResult:
        """As inherited, but a subscription is one of a group; and what the result says decides the status."""
        result = self._shared(request_data, context) or await super().execute_operation(
            request, request_adapter, request_data, context, root_value, sub_response
        )
        if isinstance(result, ExecutionResult):
            sub_response.status_code = _status(result, sub_response.media_type)
        elif isinstance(request_data, GraphQLRequestData):
            request.state.caller = who(context.identity, request)
            request.state.viewers = context.services.viewers
            asked = request_data.query, request_data.operation_name
            request.state.asks_to_follow = partial(follows, core(self.schema), *asked)
            request.state.result = result
        return result

    def _shared(self, request_data: GraphQLRequestData | list[GraphQLRequestData], context: Context) -> Any:
        """What a subscription's stream tells that belongs to a group; None for all else."""
        if isinstance(request_data, list) or request_data.protocol != "sse":
            return None
        asked = Asked(self.schema, request_data.query or "", request_data.operation_name, request_data.variables or {})
        key = key_of(asked, context)
        return None if key is None else shared(asked, key, context)

    def encode_json(self, data: object) -> str | bytes:
        """As inherited; an event that others are told too was encoded for them."""
        return data.payload if isinstance(data, Encoded) else super().encode_json(data)

    async def create_streaming_response(
        self,
        request: Request,
        stream: Callable[[], AsyncIterator[str]],
        sub_response: Response,
        headers: Mapping[str, str],
    ) -> Response:
        """As inherited, where its caller may have one more; a subscription's stream ends when the node stops."""
        state, place = request.state, ExitStack()
        try:
            place.enter_context(state.viewers.taken(state.caller))
        except TooManySockets as refusal:
            await state.result.aclose()
            return answer(refusal)
        texts = cast("AsyncGenerator[str, None]", stream())
        return _Stream(texts, headers, self._stopping, state.asks_to_follow, state.result, place)

    async def execute_single(
        self,
        request: Request,
        request_adapter: Any,
        sub_response: Response,
        context: Context,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        """What has one answer: a query, or a mutation that was not sent by GET."""
        allowed = {OperationType.QUERY}
        if request_adapter.method == "POST":
            allowed.add(OperationType.MUTATION)
        try:
            return await self.schema.execute(
                request_data.query,
                variable_values=request_data.variables,
                context_value=context,
                root_value=root_value,
                operation_name=request_data.operation_name,
                allowed_operation_types=allowed,
                operation_extensions=request_data.extensions,
            )
        except MissingQueryError:
            raise HTTPException(400, "There is no `query` in the request") from None
        except CannotGetOperationTypeError as error:
            raise HTTPException(400, error.as_http_error_reason()) from None
        except InvalidOperationTypeError as error:
            raise HTTPException(400, error.as_http_error_reason(request_adapter.method)) from None

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """As inherited; where nothing was executed there is no data, not even null."""
        told: Any = result
        if isinstance(told, Encoded):
            return cast("GraphQLHTTPResponse", told)
        response = await super().process_result(request, result)
        if result.data is None and result.errors and not any(error.path for error in result.errors):
            del response["data"]
        return response

    def create_response(
        self,
        response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse],
        sub_response: Response,
    ) -> Response:
        """The answer in the media type that was asked for."""
        return Response(
            self.encode_json(response_data),
            status_code=sub_response.status_code,
            headers=_hint(response_data) if sub_response.status_code in _COME_AGAIN else None,
            media_type=sub_response.media_type,
        )


class _Stream(StreamingResponse):
    """The stream of an operation. That of a subscription ends in good order when the node stops, but without
    `complete`: to a client that means that the subscription goes on, and has to be asked for again."""

    def __init__(
        self,
        content: AsyncGenerator[str, None],
        headers: Mapping[str, str],
        stopping: Stopping,
        follows: Callable[[], bool],
        result: AsyncGenerator[Any, None],
        place: ExitStack,
    ) -> None:
        super().__init__(content, headers=headers)
        self._stopping = stopping
        self._follows = follows
        self._generators = (content, result)
        self._place = place

    async def stream_response(self, send: Send) -> None:
        """As inherited, until the node stops."""
        try:
            with self._place:
                await self._stream_until_stopped(send)
        finally:
            with CancelScope(shield=True):
                for generator in self._generators:  # else they would follow until they are collected as garbage
                    with suppress(RuntimeError):  # it runs, and is about to end by being cancelled
                        await generator.aclose()

    async def _stream_until_stopped(self, send: Send) -> None:
        until = CancelScope()

        def end() -> None:
            if self._follows():
                until.cancel()

        with metrics.viewer("sse"), until, self._stopping.telling(end):
            await super().stream_response(send)
        if until.cancelled_caught:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _hint(response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse]) -> dict[str, str]:
    """When to come again, as the first error says that says it; of a 503 that says nothing, the door does."""
    assert isinstance(response_data, dict)
    errors = cast("list[dict[str, Any]]", response_data["errors"])
    seconds = [error["extensions"].get("retryAfterSeconds") for error in errors]
    found = next((one for one in seconds if one is not None), None)
    return {} if found is None else {"retry-after": str(found)}


def refused(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to what is no GraphQL request, in the form of a GraphQL error."""
    content = {"errors": [{"message": message, "extensions": {"code": HTTPStatus(status).name}}]}
    # Not JSONResponse, which cannot send half a surrogate pair back to who sent it.
    return Response(json.dumps(content), status, headers, _JSON)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """A path that does not exist, or a method that it does not have."""
    assert isinstance(error, StarletteHTTPException)
    return refused(error.status_code, error.detail, error.headers)


async def on_refusal(request: Request, error: Exception) -> Response:
    """Somebody who is not even let in to ask."""
    assert isinstance(error, Refusal)
    return answer(error)


async def on_fault(request: Request, error: Exception) -> Response:
    """A fault of the server's, which goes on to its log."""
    return refused(Fault.http_status, Fault().message, ALWAYS)


def _int(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError("a number has too many digits")
    return int(digits)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_int=_int)  # to make one for each body takes longer


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
    # Before anything was executed. The older media type says 200 to everything it can read.
    if errors and result.data is None and media_type == _RESPONSE_JSON:
        return 400
    return 200
