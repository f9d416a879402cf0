"""What goes on around each operation.

In place of extensions: Strawberry looks each up anew, and enters a generator for it, in each step of each operation.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from graphql import GraphQLError
from strawberry import Schema
from strawberry.extensions import SchemaExtension
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.types import ExecutionContext

from phaseline.context import Context
from phaseline.operations import checks, documents, rates
from phaseline.operations.documents import Document, Operation
from phaseline.operations.errors import coded, told


async def _nothing() -> None:
    pass


class _Step:
    """What goes on before a step of an operation, and after it where nothing was raised."""

    def __init__(self, before: Callable[[], Awaitable[None]] = _nothing, after: Callable[[], None] | None = None):
        self._before = before
        self._after = after

    async def __aenter__(self) -> None:
        await self._before()

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._after is not None:
            self._after()


class Around(SchemaExtensionsRunner):
    """Checks an operation, gives it a reader of its own, and puts `extensions.code` on each of its errors."""

    _document: Document | None = None
    _operation: Operation | None = None
    _began = False

    def operation(self) -> Any:
        """All of it."""
        return _Step(after=self._finish)

    def parsing(self) -> Any:
        """The first step."""
        return _Step(self._parse)

    def validation(self) -> Any:
        """The second."""
        return _Step(self._check)

    def executing(self) -> Any:
        """The third, if the operation comes so far."""
        return _Step(self._begin)

    def on_stream_result(self, result: object) -> Any:
        """One answer of several."""
        self._code(result)
        return _Step()

    async def get_extensions_results(self, ctx: ExecutionContext) -> dict[str, Any]:
        """There are none."""
        return {}

    async def _parse(self) -> None:
        """Parse; an error is left to Strawberry, which parses again and reports it."""
        operation = self.execution_context
        operation.parse_options.update(documents.PARSED)  # type: ignore[typeddict-item]
        with suppress(GraphQLError, RecursionError):
            self._document = documents.document(operation.schema._schema, operation.query or "")
            self._operation = self._document.operation(operation._provided_operation_name)
            operation.graphql_document = self._document.node

    async def _check(self) -> None:
        """Check the document, and then what its caller may have.

        A socket is its caller's for as long as it is open, and that its proof was taken back is seen only by looking
        from time to time. A mutation is not to come in between: it is its caller's as of now, as over HTTP.
        """
        operation, asked = self.execution_context, self._operation
        assert self._document is not None
        if operation.variables is None:
            operation.variables = {}
        problems = checks.of_document(self._document, asked, operation.variables, operation.context)
        if not problems and asked is not None:
            context: Context = operation.context
            if context.caller_now is not None and asked.writes:
                context = operation.context = context.of_caller(await context.caller_now())
            problems = checks.of_caller(asked, context)
        operation.pre_execution_errors = problems

    async def _begin(self) -> None:
        """Make the reader: a query, and what a mutation answers with, is read within a time that begins with its first
        read; what follows a deploy goes on. What is written is neither hurried nor given up: it is answered as it is.
        """
        self._began = True
        assert self._operation is not None
        operation = self.execution_context
        shared: Context = operation.context
        operation.context = shared.of_operation(None if self._operation.follows else shared.services.operation_seconds)

    def _finish(self) -> None:
        """Code the errors of an answer that comes at once; what could not even be parsed is counted now."""
        operation = self.execution_context
        if operation.graphql_document is None and operation.result is not None:
            refusal = rates.refusal(operation.context, rates.UNPARSED)
            if refusal is not None:
                operation.result.errors = [told(refusal)]
        self._code(operation.result)

    def _code(self, result: object) -> None:
        errors: list[GraphQLError] | None = getattr(result, "errors", None)
        if errors:
            result.errors = [coded(error, began=self._began) for error in errors]  # type: ignore[attr-defined]


class Guarded(Schema):
    """A schema whose every operation has this around it."""

    def create_extensions_runner(
        self, execution_context: ExecutionContext, extensions: list[SchemaExtension]
    ) -> SchemaExtensionsRunner:
        """As inherited, without extensions."""
        return Around(execution_context)
