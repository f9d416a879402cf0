"""`/metrics`, read by the parser of Prometheus's own client."""

import asyncio
import json
import os
import re
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.caller import Caller
from tests.support.database import change
from tests.support.logins import VIEWER, WORKFLOW, bearer
from tests.support.postgres import Postgres
from tests.support.processes import children
from tests.support.server import Server, serving
from tests.support.viewer import AUDIT_ENTRY_ADDED, PHASE_CHANGED, viewing

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
DOCUMENTED = dict(re.findall(r"^\| `(phaseline_\w+)` \| (\w+) \|", PAGE.read_text(), re.MULTILINE))
STREAM = {"content-type": "application/json", "accept": "text/event-stream"}


def reported(deploy_id: str) -> dict[str, object]:
    """The request of a callback for this deploy."""
    query = "mutation ($input: CallbackInput!) { applyCallback(input: $input) { duplicate } }"
    return {"query": query, "variables": {"input": {"deployId": deploy_id, "status": "building"}}}


class Told:
    """What a node tells at one moment."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        """The value of one sample; 0 where there is none yet."""
        return self._samples.get((name, frozenset(labels.items())), 0.0)

    def named(self) -> dict[str, str]:
        """The names as they are asked for, with their types."""
        return {
            name + "_total" * (family.type == "counter"): family.type
            for name, family in self.families.items()
            if name.startswith("phaseline_")
        }


async def told(caller: Caller) -> Told:
    """What the caller's node tells now."""
    answer = await caller.http.get("/metrics")
    assert answer.status_code == 200
    return Told(answer.text)


async def until(server: Server, holds: Callable[[Told], bool]) -> Told:
    """What it tells as soon as that holds: that a viewer has gone is noticed a little after it went."""
    async with asyncio.timeout(30):
        while True:
            with suppress(httpx.TransportError):  # a worker that was asked may just end
                async with Caller(server.url) as caller:
                    if holds(now := await told(caller)):
                        return now
            await asyncio.sleep(0.02)


def _but(*names: str) -> dict[str, str]:
    """Those that are documented, without these: they are where PostgreSQL is listened to, and where GitHub is asked."""
    return {name: kind for name, kind in DOCUMENTED.items() if name not in names}


async def test_every_metric_is_documented_and_every_documented_one_is_there(own_caller: Caller) -> None:
    assert len(DOCUMENTED) > 10
    assert (await told(own_caller)).named() == _but("phaseline_listening", "phaseline_github_answers")


async def test_no_metric_says_more_of_callers_than_was_promised(own_caller: Caller) -> None:
    deploy = await own_caller.start(environment="somewhere", ref="something")
    await own_caller.report(deploy["id"], "no-such-status")
    text = (await own_caller.http.get("/metrics")).text
    assert not [word for word in ("somewhere", "something", "no-such-status", deploy["id"]) if word in text]


@pytest.mark.parametrize(
    ("statuses", "answer"),
    [
        (["building"], "accepted"),
        (["building", "building"], "duplicate"),
        (["succeeded"], "ILLEGAL_TRANSITION"),
        (["nothing"], "UNKNOWN_STATUS"),
        (["\0"], "BAD_USER_INPUT"),
    ],
)
async def test_a_callback_is_counted_by_its_answer(own_caller: Caller, statuses: list[str], answer: str) -> None:
    deploy = await own_caller.start()
    *before, last = statuses
    await own_caller.walk(deploy["id"], *before)
    then = await told(own_caller)
    await own_caller.report(deploy["id"], last)
    now = await told(own_caller)
    assert now("phaseline_callbacks_total", answer=answer) == then("phaseline_callbacks_total", answer=answer) + 1
    total = [sum(sample.value for sample in each.families["phaseline_callbacks"].samples) for each in (then, now)]
    assert total[1] == total[0] + 1


@pytest.mark.parametrize(("token", "answer"), [(VIEWER, "FORBIDDEN"), ("phl_wrong", "UNAUTHENTICATED")])
async def test_who_may_not_report_or_sign_in_is_counted(own_caller: Caller, token: str, answer: str) -> None:
    deploy = await own_caller.start()
    before = await told(own_caller)
    await own_caller.http.post("/graphql", json=reported(deploy["id"]), headers=bearer(token))
    await own_caller.http.post("/sign-in", json={"token": WORKFLOW if answer == "FORBIDDEN" else token})
    now = await told(own_caller)
    for name, labels in (("callbacks", {}), ("sign_ins", {"way": "token"})):
        name = f"phaseline_{name}_total"
        assert now(name, answer=answer, **labels) == before(name, answer=answer, **labels) + 1 == 1


async def test_what_is_too_much_is_counted_by_its_kind(database: Path) -> None:
    async with serving(database, sign_ins_per_minute="1") as server, Caller(server.url) as caller:
        assert (await told(caller))("phaseline_rate_limited_total", kind="sign_ins") == 0
        while (await caller.http.post("/sign-in", json={"token": VIEWER})).status_code != 429:
            pass
        now = await told(caller)
        assert now("phaseline_rate_limited_total", kind="sign_ins") == 1
        assert now("phaseline_sign_ins_total", way="token", answer="accepted") >= 1


async def test_a_callback_that_the_database_does_not_take_is_counted_too(own_caller: Caller, database: Path) -> None:
    deploy = await own_caller.start()
    change(database, "ALTER TABLE audit_entries RENAME TO hidden")
    await own_caller.report(deploy["id"], "building")
    now = await told(own_caller)
    assert now("phaseline_callbacks_total", answer="UNAVAILABLE") == 1
    assert now("phaseline_database_errors_total") == 1


async def test_deploys_and_transactions_are_counted(own_server: Server, own_caller: Caller) -> None:
    first = await told(own_caller)
    await own_caller.start()
    # That the token was used is written as well, soon after its first use, and then not for a minute.
    written = first("phaseline_database_seconds_count", kind="write") + 2
    then = await until(own_server, lambda now: now("phaseline_database_seconds_count", kind="write") == written)
    await own_caller.start()
    now = await told(own_caller)
    assert now("phaseline_deploys_started_total") == 2
    assert (
        now("phaseline_database_seconds_count", kind="write")
        == then("phaseline_database_seconds_count", kind="write") + 1
    )
    assert now("phaseline_database_errors_total") == 0
    assert now("phaseline_pool_connections", state="in_use") == 0
    assert 1 <= now("phaseline_pool_connections", state="idle") <= now("phaseline_pool_size")


async def test_viewers_and_subscriptions_are_counted_while_they_are_there(
    own_server: Server, own_caller: Caller
) -> None:
    deploy = await own_caller.start()
    content = json.dumps({"query": PHASE_CHANGED, "variables": {"id": deploy["id"], "after": 0}})
    async with viewing(own_server.url) as viewer:
        for operation, query in (("1", PHASE_CHANGED), ("2", AUDIT_ENTRY_ADDED)):
            await viewer.subscribe(query, operation, id=deploy["id"], after=0)
            await viewer.event(operation)
        async with own_caller.http.stream("POST", "/graphql", content=content, headers=STREAM) as response:
            pieces = response.aiter_bytes()  # kept, or the stream is closed with it
            await anext(pieces)
            now = await told(own_caller)
            assert now("phaseline_viewers", transport="websocket") == 1
            assert now("phaseline_viewers", transport="sse") == 1
            assert now("phaseline_subscriptions", field="phaseChanged") == 2
            assert now("phaseline_subscriptions", field="auditEntryAdded") == 1
    await until(
        own_server,
        lambda now: (
            not any(
                sample.value
                for family in ("phaseline_viewers", "phaseline_subscriptions")
                for sample in now.families[family].samples
            )
        ),
    )


async def test_how_late_an_entry_is_is_measured_of_those_that_are_news(own_server: Server, own_caller: Caller) -> None:
    deploy = await own_caller.start()
    await own_caller.walk(deploy["id"], "building")
    async with viewing(own_server.url) as viewer:
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"], after=0)
        for _ in range(2):
            await viewer.event()
        before = await told(own_caller)
        await own_caller.walk(deploy["id"], "deploying")
        await viewer.event()
        now = await until(own_server, lambda now: now("phaseline_push_seconds_count") > 0)
    assert before("phaseline_push_seconds_count") == 0
    assert now("phaseline_push_seconds_count") == 1
    assert 0 < now("phaseline_push_seconds_sum") < 30
    assert now("phaseline_feed_lag_seconds_count") == 1
    assert now("phaseline_wakeups_total", source="local") == before("phaseline_wakeups_total", source="local") + 1


async def test_what_is_found_by_looking_is_counted_as_such(database: Path) -> None:
    async with (
        serving(database, poll_seconds="0.1") as one,
        serving(database) as other,
        Caller(one.url) as here,
        Caller(other.url) as there,
        viewing(one.url) as viewer,
    ):
        deploy = await there.start()
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"], after=0)
        await viewer.event()
        await there.walk(deploy["id"], "building")
        await viewer.event()
        now = await told(here)
        assert now("phaseline_wakeups_total", source="poll") >= 1
        assert now("phaseline_wakeups_total", source="local") == 0


async def test_several_workers_tell_together_and_what_they_counted_outlives_them(database: Path) -> None:
    async with serving(database, workers="3") as server, AsyncExitStack() as viewers:
        for _ in range(6):
            await viewers.enter_async_context(viewing(server.url))
        for _ in range(6):  # each by a connection of its own, so that different workers are asked
            async with Caller(server.url) as caller:
                await caller.start()
                now = await told(caller)
                assert now("phaseline_viewers", transport="websocket") == 6
        assert now("phaseline_deploys_started_total") == 6
        assert now.named() == _but("phaseline_listening", "phaseline_github_answers")
        assert not [name for name in now.families if name.startswith("process_")]
        for worker in await children(server.process.pid):
            os.kill(worker, signal.SIGKILL)
        now = await until(server, lambda now: now("phaseline_viewers", transport="websocket") == 0)
        assert now("phaseline_deploys_started_total") == 6


async def test_listening_to_postgresql_and_what_is_heard_there_are_told(postgres: Postgres) -> None:
    database = await postgres.database()
    async with (
        serving(database) as one,
        serving(database, workers="2") as other,
        Caller(one.url) as here,
        Caller(other.url) as there,
        viewing(one.url) as viewer,
    ):
        for server in (one, other):
            await until(server, lambda now: now("phaseline_listening") == 1)
        before = await told(here)
        assert before.named() == _but("phaseline_github_answers")
        deploy = await there.start()
        await viewer.subscribe(PHASE_CHANGED, id=deploy["id"], after=0)
        await viewer.event()
        await there.walk(deploy["id"], "building")
        await viewer.event()
        now = await told(here)
        assert now("phaseline_wakeups_total", source="notify") == 1
        assert now("phaseline_pool_size") == 10
        assert (await told(there))("phaseline_pool_size") == 20
        await postgres.terminate("phaseline feed")
        broken = await until(one, lambda now: now("phaseline_listen_reconnects_total") >= 1)
        assert broken("phaseline_listen_reconnects_total") >= 1
        await until(one, lambda now: now("phaseline_listening") == 1)


async def test_it_can_be_turned_off(database: Path) -> None:
    async with serving(database, metrics="false") as server, Caller(server.url) as caller:
        assert (await caller.http.get("/metrics")).status_code == 404
