"""Viewers of every deploy on a node, live, while versions come and go."""

from contextlib import AsyncExitStack
from typing import Any, Self

from tests.support.consistency import MOVES
from tests.support.told import Told
from tests.support.viewer import Viewer, viewing


class Watching:
    """One viewer of each of these deploys on one node, from their first entries on."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._viewers: dict[str, Viewer] = {}
        self._ending = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._ending.aclose()

    async def follow(self, *deploys: Told) -> None:
        """Begin to follow these too."""
        for told in deploys:
            viewer = await self._ending.enter_async_context(viewing(self._url))
            await viewer.subscribe(MOVES, id=told.id)
            self._viewers[told.id] = viewer

    async def seen(self, told: Told) -> list[dict[str, Any]]:
        """The next events of a deploy: as many as it has moved, which is all of them when this is first asked."""
        moves = [entry for entry in told.log if entry[0] != "CALLBACK_REFUSED"]
        events = [await self._viewers[told.id].event() for _ in moves]
        assert [event["entry"]["toStatus"] for event in events] == [move[2] for move in moves]
        return events
