"""Asks once more who calls over a socket, before anything is written in that name."""

from collections.abc import AsyncIterator
from typing import cast

from strawberry.extensions import SchemaExtension
from strawberry.types.graphql import OperationType

from phaseline.context import Context


class Proofs(SchemaExtension):
    """A socket is its caller's for as long as it is open, and that its proof was taken back is seen only by looking
    from time to time. A mutation is not to come in between: it is its caller's as of now, as over HTTP."""

    async def on_validate(self) -> AsyncIterator[None]:
        """Resolve the caller again, for this operation alone."""
        operation = self.execution_context
        context = cast("Context", operation.context)
        if context.caller_now is not None and operation.operation_type is OperationType.MUTATION:
            operation.context = context.of_caller(await context.caller_now())
        yield
