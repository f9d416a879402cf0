"""What goes on around each operation. One extension: each has its price in every step of every operation."""

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.types import StreamExecutionResult

from phaseline.context import Context
from phaseline.operations import checks, documents, rates
from phaseline.operations.documents import Document, Operation
from phaseline.operations.errors import coded, told


class Around(SchemaExtension):
    """Checks an operation, gives it a reader of its own, and puts `extensions.code` on each of its errors."""

    _document: Document | None = None
    _operation: Operation | None = None
    _began = False

    def on_operation(self) -> Iterator[None]:
        """Code the errors of an answer that comes at once; what could not even be parsed is counted now."""
        yield
        operation = self.execution_context
        if operation.graphql_document is None and operation.result is not None:
            refusal = rates.refusal(operation.context, rates.UNPARSED)
            if refusal is not None:
                operation.result.errors = [told(refusal)]
        self._code(operation.result)

    def on_parse(self) -> Iterator[None]:
        """Parse; an error is left to Strawberry, which parses again and reports it."""
        operation = self.execution_context
        operation.parse_options.update(documents.PARSED)  # type: ignore[typeddict-item]
        with suppress(GraphQLError, RecursionError):
            self._document = documents.document(operation.schema._schema, operation.query or "")
            self._operation = self._document.operation(operation._provided_operation_name)
            operation.graphql_document = self._document.node
        yield

    async def on_validate(self) -> AsyncIterator[None]:
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
        yield

    def on_execute(self) -> Iterator[None]:
        """Make the reader: a query, and what a mutation answers with, is read within a time that begins with its first
        read; what follows a deploy goes on. What is written is neither hurried nor given up: it is answered as it is.
        """
        self._began = True
        assert self._operation is not None
        operation = self.execution_context
        shared: Context = operation.context
        operation.context = shared.of_operation(None if self._operation.follows else shared.services.operation_seconds)
        yield

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        """Code the errors of one answer of several."""
        self._code(result)
        yield

    def _code(self, result: object) -> None:
        errors: list[GraphQLError] | None = getattr(result, "errors", None)
        if errors:
            result.errors = [coded(error, began=self._began) for error in errors]  # type: ignore[attr-defined]
