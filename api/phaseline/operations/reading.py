"""Gives each operation a reader of its own, and an end to how long it may read."""

from collections.abc import Iterator

from strawberry.extensions import SchemaExtension
from strawberry.types.graphql import OperationType

from phaseline.context import Context


class Reading(SchemaExtension):
    """A query, and what a mutation answers with, is read within a time; what follows a deploy goes on.

    What is written is neither hurried nor given up: it is answered as it is.
    """

    def on_execute(self) -> Iterator[None]:
        """Make the reader, which begins to count with its first read."""
        operation = self.execution_context
        shared: Context = operation.context
        follows = operation.operation_type is OperationType.SUBSCRIPTION
        operation.context = shared.of_operation(None if follows else shared.services.operation_seconds)
        yield
