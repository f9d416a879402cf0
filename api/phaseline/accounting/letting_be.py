"""What is not asked for, for a while, because GitHub has refused it and goes on to: a run, or a whole repository."""

import time
from collections.abc import Collection

from phaseline.accounting.whose import KnownRun


class LetBe:
    """`seconds`: for how long. Deploys are called by their ids, repositories by their names."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: dict[str, float] = {}

    def run(self, run: KnownRun) -> None:
        """This run, as it is not there."""
        self._until[run.deploy_id] = time.monotonic() + self._seconds

    def repository(self, run: KnownRun) -> float:
        """All runs of this one's repository, as the credential may not see it. Until when, by `time.monotonic()`."""
        until = self._until[run.repository.casefold()] = time.monotonic() + self._seconds
        return until

    def has(self, run: KnownRun) -> bool:
        """Whether it is let be."""
        now = time.monotonic()
        return any(self._until.get(name, now) > now for name in (run.deploy_id, run.repository.casefold()))

    def has_run(self, run: KnownRun) -> bool:
        """Whether it is by itself, whatever becomes of its repository."""
        return run.deploy_id in self._until

    def over(self, run: KnownRun) -> None:
        """GitHub has told of this one."""
        self._until.pop(run.deploy_id, None)
        self._until.pop(run.repository.casefold(), None)

    def keep(self, runs: Collection[KnownRun]) -> None:
        """Forget all but these, which are all that there is to ask for."""
        names = {name for run in runs for name in (run.deploy_id, run.repository.casefold())}
        self._until = {name: until for name, until in self._until.items() if name in names}
