"""A subscription as a stream of its own: it goes at its own pace, and is executed with all who ask the same."""

from collections.abc import AsyncGenerator, Hashable
from contextlib import aclosing
from dataclasses import dataclass

from strawberry.types import ExecutionResult

from phaseline.context import Context
from phaseline.groups import Result
from phaseline.joining import Asked, Joined, Refused, failure, join
from phaseline.operations.subscription import as_they_come


@dataclass(frozen=True, slots=True)
class Encoded:
    """A result that is JSON already. `errors`: none that anybody would still have to handle."""

    payload: str
    errors: None = None


async def shared(asked: Asked, key: Hashable, context: Context) -> AsyncGenerator[Encoded | Result, None]:
    """The events of a subscription that belongs to the group of this key, in one of the caller's places.

    What they end with, if it is an error, is the last of them.
    """
    try:
        found = await join(asked, key, context)
        if isinstance(found, Joined):
            with found.held:
                async with aclosing(as_they_come(context, found.wanted)) as events:
                    async for event in events:
                        yield Encoded((await found.group.payload(event)).decode())
        elif found is not None:
            yield found
    except Refused as refused:
        yield ExecutionResult(data=None, errors=refused.errors)
    except Exception as error:
        yield failure(error)
