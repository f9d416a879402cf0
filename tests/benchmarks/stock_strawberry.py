"""The peer of the feed: a small application as Strawberry's documentation has it, with a queue a viewer.

It answers the modal's documents from memory. It keeps no log, so that whoever was away has missed an event, and a
viewer who does not read makes its queue grow.
"""

import asyncio
import json
import socket
import sys
from collections import defaultdict
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import strawberry
import uvicorn
from fastapi import FastAPI
from strawberry import ID
from strawberry.fastapi import GraphQLRouter

from phaseline_schema.pipeline import Outcome, PhaseState
from phaseline_schema.records import AuditKind, Source

_BEGAN = datetime.now(UTC)
_PHASES = ("Smoke gate", "Freeze check", "Deploy", "Health check")

for vocabulary in (Outcome, PhaseState, AuditKind, Source):
    strawberry.enum(vocabulary)


@strawberry.type
class Pipeline:
    name: str


@strawberry.type
class DeployStatus:
    key: str
    label: str
    outcome: Outcome


@strawberry.type
class Phase:
    key: str
    label: str
    position: int
    state: PhaseState
    attempt: int | None
    started_at: datetime | None
    finished_at: datetime | None


@strawberry.type
class Run:
    attempt: int
    status: str
    conclusion: str | None
    reported_at: datetime


@strawberry.type
class OperatorRequest:
    kind: AuditKind
    actor: str
    reason: str
    requested_at: datetime
    failure: str | None
    failed_by: Source | None


@strawberry.type
class Deploy:
    id: ID
    environment: str
    ref: str
    commit: str | None
    pipeline: Pipeline
    status: DeployStatus
    phases: list[Phase]
    attempt: int
    sequence: int
    started_by: str
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    run_url: str | None
    run: Run | None
    request: OperatorRequest | None


@strawberry.type
class AuditEntry:
    id: ID
    sequence: int
    kind: AuditKind
    source: Source
    from_status: str | None
    to_status: str | None
    attempt: int
    actor: str
    refusal: str | None
    message: str | None
    run_status: str | None
    run_conclusion: str | None
    recorded_at: datetime


@strawberry.type
class PhaseChanged:
    deploy: Deploy
    entry: AuditEntry


@strawberry.type
class CallbackReceipt:
    deploy: Deploy
    entry: AuditEntry
    duplicate: bool


@strawberry.input
class CallbackInput:
    deploy_id: ID
    status: str
    attempt: int


_viewers: defaultdict[str, set[asyncio.Queue[PhaseChanged]]] = defaultdict(set)


def _event(deploy_id: ID, status: str, attempt: int) -> PhaseChanged:
    now = datetime.now(UTC)
    phases = [
        Phase(
            key=label.lower().replace(" ", "_"),
            label=label,
            position=position,
            state=PhaseState.PASSED,
            attempt=attempt,
            started_at=_BEGAN,
            finished_at=now,
        )
        for position, label in enumerate(_PHASES, start=1)
    ]
    deploy = Deploy(
        id=deploy_id,
        environment="production",
        ref="main",
        commit=None,
        pipeline=Pipeline(name="console"),
        status=DeployStatus(key=status, label=status, outcome=Outcome.IN_PROGRESS),
        phases=phases,
        attempt=attempt,
        sequence=1,
        started_by="anonymous",
        started_at=_BEGAN,
        updated_at=now,
        finished_at=None,
        run_url=None,
        run=None,
        request=None,
    )
    entry = AuditEntry(
        id=ID("1"),
        sequence=1,
        kind=AuditKind.TRANSITION,
        source=Source.CALLBACK,
        from_status="deploying",
        to_status=status,
        attempt=attempt,
        actor="anonymous",
        refusal=None,
        message=None,
        run_status=None,
        run_conclusion=None,
        recorded_at=now,
    )
    return PhaseChanged(deploy=deploy, entry=entry)


async def _report(input: CallbackInput) -> CallbackReceipt:
    """Tell everyone who follows the deploy, and record nothing."""
    event = _event(input.deploy_id, input.status, input.attempt)
    for queue in _viewers[input.deploy_id]:
        queue.put_nowait(event)
    return CallbackReceipt(deploy=event.deploy, entry=event.entry, duplicate=False)


async def _follow(deploy_id: ID, after: int | None = None) -> AsyncGenerator[PhaseChanged, None]:
    """Something at once, so that the viewer knows it is heard; then every event."""
    queue: asyncio.Queue[PhaseChanged] = asyncio.Queue()
    _viewers[deploy_id].add(queue)
    try:
        yield _event(deploy_id, "queued", 1)
        while True:
            yield await queue.get()
    finally:
        _viewers[deploy_id].discard(queue)


@strawberry.type
class Query:
    ready: bool = True


@strawberry.type
class Mutation:
    apply_callback = strawberry.mutation(resolver=_report)


@strawberry.type
class Subscription:
    phase_changed = strawberry.subscription(resolver=_follow)


SCHEMA = strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription)


def main() -> None:
    """Serve on a free port, and say which."""
    app = FastAPI()
    app.include_router(GraphQLRouter(SCHEMA), prefix="/graphql")
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(json.dumps({"event": "serving", "address": address}), file=sys.stderr, flush=True)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5)
    uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main()
