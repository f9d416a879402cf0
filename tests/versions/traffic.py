"""Callbacks of many deploys at once, each sent to whichever node chance picks, and every answer held to the model."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.support import model
from tests.support.caller import Caller
from tests.support.told import Judge, Told

# What workflows report, attempt by attempt: a bar begins the next one.
RUNS = (
    "smoke_running smoke_passed freeze_checking freeze_passed building deploying health_checking succeeded",
    "smoke_running smoke_passed freeze_checking freeze_passed building deploying health_checking failed "
    "| health_checking succeeded",
    "smoke_running cancelled | smoke_running smoke_passed freeze_checking freeze_passed building deploying succeeded",
    "smoke_passed building failed | building cancelled | freeze_passed building deploying health_checking succeeded",
    "building deploying succeeded",
    "smoke_running smoke_passed freeze_checking failed | freeze_checking freeze_passed building deploying failed",
)
OLDER_RUNS = ("building deploying succeeded", "building failed", "failed", "building deploying failed")


def reports(run: str) -> list[model.Report]:
    """A run as reports: attempt and status."""
    return [(attempt, status) for attempt, part in enumerate(run.split("|"), start=1) for status in part.split()]


@dataclass
class Traffic:
    """What is sent to these nodes while a graph is in force; `chance` decides to which, and what goes wrong."""

    nodes: Sequence[Caller]
    chance: random.Random
    judge: Judge = model.refusal

    async def start(self) -> Told:
        """A new deploy."""
        return Told((await self._any().start())["id"])

    async def walk(self, told: Told, run: Sequence[model.Report]) -> None:
        """Send what has not been reported of a run, with repeats and reports that are refused in between."""
        for attempt, status in run:
            if (attempt, status) not in told.reports:
                await self._send_nonsense(told)
                await self.report(told, status, attempt)
                assert told.reports[-1] == (attempt, status), f"{status} should have been accepted"

    async def walk_all(self, runs: Sequence[tuple[Told, Sequence[model.Report]]]) -> None:
        """Several at once."""
        await asyncio.gather(*(self.walk(told, run) for told, run in runs))

    async def report(self, told: Told, status: str, attempt: int) -> None:
        """Send a callback to some node, and at times again to another."""
        node = self._any()
        repeated = (attempt, status) in told.reports
        code = None if repeated else told.refusal(status, attempt, self.judge)
        answer = await node.report(told.id, status, attempt)
        assert answer.code == code, f"{status}, attempt {attempt}, of {told}: {answer}"
        if not repeated:
            told.record(status, attempt, code)
        if code is None:
            receipt = answer.data["applyCallback"]
            assert receipt["duplicate"] == repeated
            assert receipt["deploy"]["sequence"] == len(told.log)
            if self.chance.random() < 0.3:
                again = (await self._any(but=node).report(told.id, status, attempt)).data["applyCallback"]
                assert again == {**receipt, "duplicate": True}

    async def _send_nonsense(self, told: Told) -> None:
        while self.chance.random() < 0.2:
            status = self.chance.choice((*model.STATUSES, "paused"))
            attempt = max(1, told.attempt + self.chance.choice((-1, 0)))
            # What would be accepted is left to the run; what was, may come again at any time.
            if (attempt, status) in told.reports or told.refusal(status, attempt, self.judge):
                await self.report(told, status, attempt)

    def _any(self, but: Caller | None = None) -> Caller:
        others = [node for node in self.nodes if node is not but]
        return self.chance.choice(others or self.nodes)
