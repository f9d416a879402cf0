"""A history as years of use leave it: deploys beside one another, each on its way, with its refusals and digests."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support import chain, model

Row = dict[str, Any]

BEGINNING = datetime(2025, 1, 1, 8, tzinfo=UTC)

# What is rare in it, however long it is.
RARE_ENVIRONMENT = "disaster-recovery"
RARE_ACTOR = "token:auditor-on-duty"
_RARELY = 60  # once in so many deploys

# One of the repositories below.
COMMON_ACTOR = "github:example/service-3"

_ENVIRONMENTS = ("production", "staging", *(f"preview-{number}" for number in range(1, 21)))
_OFTEN = (40, 40, *[1] * 20)
_OPERATORS = tuple(f"token:operator-{number}" for number in range(1, 201))
_REPOSITORIES = tuple(f"github:example/service-{number}" for number in range(1, 41))

_SOURCES = {
    "DEPLOY_STARTED": "OPERATOR",
    "TRANSITION": "CALLBACK",
    "CALLBACK_REFUSED": "CALLBACK",
    "RUN_REPORTED": "GITHUB",
    "CANCEL_REQUESTED": "OPERATOR",
}

# Before that, entries had no source, and deploys no commit.
_SOURCES_SINCE = BEGINNING + timedelta(hours=5)

# Deploys that are under way at once.
_BESIDE = 20

# What workflows report, attempt by attempt: a bar begins the next one. And how often; the last ones never end.
_RUNS = {
    "smoke_running smoke_passed freeze_checking freeze_passed building deploying health_checking succeeded": 70,
    "building deploying succeeded": 10,
    "smoke_running failed": 6,
    "smoke_running smoke_passed freeze_checking freeze_passed building deploying failed | building deploying "
    "health_checking succeeded": 8,
    "smoke_running smoke_passed cancelled": 4,
    "smoke_running smoke_passed freeze_checking freeze_passed building": 2,
}
_REFUSED_IN_A_HUNDRED = 4
_ASIDE_IN_A_HUNDRED = 3
_CONCLUSIONS = {"succeeded": "success", "failed": "timed_out", "cancelled": "cancelled"}


@dataclass
class Deploy:
    """A deploy as it stands: its row, the digest of its newest entry, and what is still to come of it."""

    row: Row
    workflow: str
    run_id: str
    to_come: list[tuple[int, str]]
    digest: str | None = None


class History:
    """Entries in the order in which they were recorded, and the deploys that they are of. The same seed, the same."""

    def __init__(self, seed: int = 0) -> None:
        self._chance = random.Random(seed)
        self._under_way: list[Deploy] = []
        self._now = BEGINNING
        self._last_id = 0

    def entries(self, count: int) -> Iterator[tuple[Row, Deploy | None]]:
        """So many; with each the deploy that ends by it. Who is left in the end, `left` tells."""
        for _ in range(count):
            self._now += timedelta(microseconds=self._chance.randrange(1, 10_000_000))
            if len(self._under_way) < _BESIDE:
                yield self._started(), None
                continue
            place = self._chance.randrange(len(self._under_way))
            deploy = self._under_way[place]
            entry = self._next(deploy)
            if not deploy.to_come:
                self._under_way[place] = self._under_way[-1]
                self._under_way.pop()
            yield entry, None if deploy.to_come else deploy

    def left(self) -> list[Deploy]:
        """Those that are still under way."""
        return self._under_way

    def _started(self) -> Row:
        rare = self._chance.randrange(_RARELY) == 0
        (environment,) = self._chance.choices(_ENVIRONMENTS, _OFTEN)
        (run,) = self._chance.choices([*_RUNS], [*_RUNS.values()])
        row: Row = {
            "id": str(uuid.UUID(int=self._chance.getrandbits(128), version=4)),
            "environment": RARE_ENVIRONMENT if rare else environment,
            "ref": f"release/{self._chance.randrange(1000)}",
            "pipeline": "console",
            "status": model.START,
            "attempt": 1,
            "sequence": 0,
            "started_by": RARE_ACTOR if rare else self._chance.choice(_OPERATORS),
            "started_at": self._now,
            "updated_at": self._now,
            "finished_at": None,
            "run_url": None,
            "commit_sha": None if self._now < _SOURCES_SINCE else f"{self._chance.getrandbits(160):040x}",
            "request_id": None,
        }
        to_come = [
            (attempt, status)
            for attempt, statuses in enumerate(run.split(" | "), start=1)
            for status in statuses.split()
        ]
        deploy = Deploy(row, self._chance.choice(_REPOSITORIES), str(self._chance.randrange(10**10)), to_come)
        self._under_way.append(deploy)
        note = "the ☃ of the week" if rare else None
        given = {"from_status": None, "message": note, "actor": row["started_by"]}
        return self._recorded(deploy, kind="DEPLOY_STARTED", to_status=model.START, attempt=1, **given)

    def _next(self, deploy: Deploy) -> Row:
        if self._chance.randrange(100) < _REFUSED_IN_A_HUNDRED:
            return self._refused(deploy)
        if self._now >= _SOURCES_SINCE and self._chance.randrange(100) < _ASIDE_IN_A_HUNDRED:
            return self._aside(deploy)
        attempt, status = deploy.to_come.pop(0)
        page = f"https://github.com/{deploy.workflow[7:]}/actions/runs/{deploy.run_id}"
        given: Row = {"actor": deploy.workflow, "run_id": deploy.run_id, "run_url": page}
        if self._now >= _SOURCES_SINCE and status in model.RUN_ENDS and self._chance.randrange(10) == 0:
            given |= {"source": "GITHUB", "run_status": "completed", "run_conclusion": _CONCLUSIONS[status]}
        entry = self._recorded(deploy, kind="TRANSITION", to_status=status, attempt=attempt, **given)
        deploy.row |= {"status": status, "attempt": attempt, "updated_at": self._now, "run_url": page}
        deploy.row["finished_at"] = self._now if status in model.ENDS else None
        return entry

    def _aside(self, deploy: Deploy) -> Row:
        """What moves nothing: GitHub says that the run waits, or somebody asks for it to be cancelled."""
        given: Row = {"to_status": deploy.row["status"], "attempt": deploy.row["attempt"]}
        if self._chance.randrange(4) == 0:
            return self._recorded(deploy, kind="CANCEL_REQUESTED", actor=self._chance.choice(_OPERATORS), **given)
        given |= {"actor": deploy.workflow, "run_id": deploy.run_id, "run_status": "waiting"}
        return self._recorded(deploy, kind="RUN_REPORTED", **given)

    def _refused(self, deploy: Deploy) -> Row:
        status, attempt = self._chance.choice(("queued", "paused")), deploy.row["attempt"]
        by_nobody = self._chance.randrange(4) == 0
        why = model.OF_THE_CALLER[0] if by_nobody else model.refusal(deploy.row["status"], attempt, status, attempt)
        given = {"actor": "anonymous" if by_nobody else deploy.workflow, "refusal": why}
        return self._recorded(deploy, kind="CALLBACK_REFUSED", to_status=status, attempt=attempt, **given)

    def _recorded(self, deploy: Deploy, **given: Any) -> Row:
        row = deploy.row
        row["sequence"] += 1
        self._last_id += 1
        entry: Row = {
            "id": self._last_id,
            "deploy_id": row["id"],
            "sequence": row["sequence"],
            "pipeline": row["pipeline"],
            "environment": row["environment"],
            "from_status": row["status"],
            "refusal": None,
            "message": None,
            "run_id": None,
            "run_url": None,
            "recorded_at": self._now,
            "source": None,
            "run_status": None,
            "run_conclusion": None,
            **given,
        }
        if self._now >= _SOURCES_SINCE:
            entry["source"] = entry["source"] or _SOURCES[entry["kind"]]
        deploy.digest = entry["digest"] = chain.digest(entry, row["ref"], deploy.digest, row["commit_sha"])
        return entry
