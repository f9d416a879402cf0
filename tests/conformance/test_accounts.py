"""GitHub's account of a run, beside the callbacks: in any order, late, doubled, or alone; and the log as the judge."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule, run_state_machine_as_test

from phaseline import accounts, deploys
from phaseline.accounting import whose
from phaseline.accounts import EarlierAttemptFirst
from phaseline.databases import clock
from phaseline.graph import GraphCache
from phaseline.identity import ANYBODY
from phaseline.inspection import inspect
from phaseline.store import Store
from phaseline_schema.records import Callback, EntryRecord, RunReport, Start
from phaseline_schema.refusals import DeployNotFound
from tests.conformance.conftest import on_one_of_each
from tests.conformance.stores import Store as Kind
from tests.support import logs, model
from tests.support.accounting import ENDS_BY, NOT_BEGUN, UNHEARD_OF, Expected, Line
from tests.support.caller import Caller
from tests.support.consistency import assert_consistent
from tests.support.database import address, migrate
from tests.support.server import serving

RUN = "https://github.com/example/service/actions/runs/17"

pytestmark = on_one_of_each


class Log:
    """The verbs on a database, each in a transaction of its own."""

    def __init__(self, database: Path | str) -> None:
        self.database = database
        self.store = Store(address(database))
        self._graphs = GraphCache()

    async def start(self) -> Expected:
        """A new deploy."""
        wanted = Start("production", "main", "console", None, commit_sha="c0ffee" * 6 + "beef")
        started = await self.store.write(lambda connection: deploys.start(connection, self._graphs, ANYBODY, wanted))
        return Expected(started.deploy.id)

    async def call_back(self, deploy_id: str, status: str, attempt: int = 1) -> deploys.Receipt:
        """A workflow reports."""
        callback = Callback(deploy_id, status, attempt, "17", None, None)
        return await self.store.write(
            lambda connection: deploys.apply(connection, self._graphs, ANYBODY, callback), deploy_id
        )

    async def hear(
        self, deploy_id: str, status: str, conclusion: str | None = None, attempt: int = 1, *, asked: bool = False
    ) -> list[EntryRecord]:
        """GitHub says something of the run."""
        page = f"{RUN}/attempts/{attempt}"
        told = RunReport("17", attempt, status, conclusion, page, "github:example/service", asked)
        return await self.store.write(
            lambda connection: accounts.report(connection, self._graphs, deploy_id, told), deploy_id
        )

    async def lines(self, deploy_id: str) -> list[Line]:
        """Its log as it lies in the database."""
        names = ("kind", "source", "from_status", "to_status", "attempt", "run_status", "run_conclusion")
        found = (await logs.read(self.database))[deploy_id].entries
        return [tuple(entry[name] for name in names) for entry in found]

    async def assert_holds(self) -> None:
        """By the check of this version, and by that of the tests."""
        found: list[Any] = []
        await inspect(self.store, lambda *fault: found.append(fault))
        assert not found
        await assert_consistent(self.database)


@asynccontextmanager
async def _opened(database: Path | str) -> AsyncIterator[Log]:
    log = Log(database)
    try:
        yield log
    finally:
        await log.store.close()


@pytest.fixture(scope="module")
async def database(store: Kind) -> Path | str:
    """One for all tests here."""
    made = await store.empty()
    await migrate(made)
    return made


@pytest.fixture
async def log(database: Path | str) -> AsyncIterator[Log]:
    """The verbs on it. What they have written holds in the end."""
    async with _opened(database) as opened:
        yield opened
        await opened.assert_holds()


@pytest.mark.parametrize("conclusion", [*ENDS_BY, UNHEARD_OF])
@pytest.mark.parametrize("told", [(), ("smoke_running",), (*model.GATES, "building", "deploying", "health_checking")])
async def test_a_run_whose_last_callback_was_lost_ends_as_github_says(
    log: Log, told: tuple[str, ...], conclusion: str
) -> None:
    deploy = await log.start()
    for status in told:
        await log.call_back(deploy.id, status)
    (entry,) = await log.hear(deploy.id, "completed", conclusion)
    end = ENDS_BY.get(conclusion)
    assert (entry.kind, entry.to_status, entry.actor) == (
        "TRANSITION" if end else "RUN_REPORTED",
        end or [model.START, *told][-1],
        "github:example/service",
    )
    assert (entry.run_status, entry.run_conclusion, entry.run_id) == ("completed", conclusion, "17")
    assert await log.hear(deploy.id, "completed", conclusion) == []
    assert await log.hear(deploy.id, "in_progress") == []
    if end:
        late = await log.call_back(deploy.id, end)
        assert (late.duplicate, late.entry) == (True, entry)
        other = next(each for each in model.RUN_ENDS if each != end)
        assert (await log.call_back(deploy.id, other)).refusal is not None


@pytest.mark.parametrize("conclusion", ENDS_BY)
@pytest.mark.parametrize("end", ["failed", "cancelled", "succeeded"])
async def test_an_end_that_a_callback_has_told_stays_whatever_github_says_of_it(
    log: Log, end: str, conclusion: str
) -> None:
    deploy = await log.start()
    for status in ("building", "deploying", end):
        await log.call_back(deploy.id, status)
    (entry,) = await log.hear(deploy.id, "completed", conclusion)
    assert (entry.kind, entry.from_status, entry.to_status) == ("RUN_REPORTED", end, end)
    for _ in range(2):
        assert await log.hear(deploy.id, "completed", conclusion) == []


@pytest.mark.parametrize("order", sorted(set(itertools.permutations(["callback", "completed", "late", "completed"]))))
async def test_in_whatever_order_they_come_there_is_one_end(log: Log, order: tuple[str, ...]) -> None:
    deploy = await log.start()
    await log.call_back(deploy.id, "building")
    for step in order:
        if step == "callback":
            await log.call_back(deploy.id, "failed")
        else:
            told = ("completed", "failure") if step == "completed" else ("queued", None)
            await log.hear(deploy.id, *told)
    lines = await log.lines(deploy.id)
    assert [line[3] for line in lines if line[0] == "TRANSITION"] == ["building", "failed"]
    assert [line[6] for line in lines if line[6]] == ["failure"]


async def test_a_re_run_is_not_told_of_before_the_attempt_before_it_has_an_end(log: Log) -> None:
    deploy = await log.start()
    await log.call_back(deploy.id, "building")
    before = await log.lines(deploy.id)
    for status, conclusion, attempt in (("in_progress", None, 2), ("completed", "success", 2), ("queued", None, 4)):
        with pytest.raises(EarlierAttemptFirst) as raised:
            await log.hear(deploy.id, status, conclusion, attempt)
        assert raised.value.attempt == 1
    assert await log.lines(deploy.id) == before
    await log.hear(deploy.id, "completed", "timed_out")
    with pytest.raises(EarlierAttemptFirst) as raised:
        await log.hear(deploy.id, "queued", None, 4)
    assert raised.value.attempt == 2
    (begun,) = await log.hear(deploy.id, "in_progress", None, 2)
    assert (begun.kind, begun.attempt, begun.to_status) == ("RUN_REPORTED", 2, "failed")
    (ended,) = await log.hear(deploy.id, "completed", "success", 2)
    assert (ended.kind, ended.attempt, ended.to_status) == ("TRANSITION", 2, "succeeded")
    assert await log.hear(deploy.id, "completed", "failure", 1) == []
    (again,) = await log.hear(deploy.id, "completed", "failure", 3)
    assert (again.kind, again.attempt, again.to_status) == ("RUN_REPORTED", 3, "succeeded")


@pytest.mark.parametrize("status", NOT_BEGUN)
async def test_that_a_run_has_not_begun_is_old_where_more_is_known_unless_github_was_asked(
    log: Log, status: str
) -> None:
    deploy = await log.start()
    assert len(await log.hear(deploy.id, status)) == 1
    assert len(await log.hear(deploy.id, "in_progress")) == 1
    assert await log.hear(deploy.id, status) == []
    assert len(await log.hear(deploy.id, status, asked=True)) == 1
    assert len(await log.hear(deploy.id, "in_progress")) == 1
    assert [line[5] for line in await log.lines(deploy.id)] == [None, status, "in_progress", status, "in_progress"]


async def test_an_attempt_of_which_github_says_that_it_is_over_and_not_how_keeps_none_from_being_told(log: Log) -> None:
    deploy = await log.start()
    await log.call_back(deploy.id, "building")
    (over,) = await log.hear(deploy.id, "completed")
    assert (over.kind, over.to_status, over.run_conclusion) == ("RUN_REPORTED", "building", None)
    (again,) = await log.hear(deploy.id, "in_progress", None, 2)
    assert (again.kind, again.attempt) == ("RUN_REPORTED", 2)
    (end,) = await log.hear(deploy.id, "completed", "failure")
    assert (end.kind, end.attempt, end.to_status) == ("TRANSITION", 1, "failed")
    (end,) = await log.hear(deploy.id, "completed", "success", 2)
    assert (end.kind, end.attempt, end.to_status) == ("TRANSITION", 2, "succeeded")


async def test_a_run_that_goes_on_counts_since_github_last_said_so_or_its_deploy_has_ended(log: Log) -> None:
    before, ended, told, over = [await log.start() for _ in range(4)]
    for deploy in (before, ended, told, over):
        await log.call_back(deploy.id, "building")
    for deploy in (before, ended):
        await log.hear(deploy.id, "in_progress")
    for deploy in (before, told, over):
        await log.call_back(deploy.id, "failed")
    since = await log.store.read(clock.now)
    await log.call_back(ended.id, "failed")
    for deploy in (told, over):
        await log.hear(deploy.id, "in_progress")
    await log.hear(over.id, "completed", "failure")
    found = await log.store.read(partial(whose.outlived, since=since))
    assert found & {before.id, ended.id, told.id, over.id} == {ended.id, told.id}


async def test_words_that_are_longer_than_any_of_github_s_are_cut_and_mean_nothing(log: Log) -> None:
    deploy = await log.start()
    (entry,) = await log.hear(deploy.id, "q" * 50)
    assert (entry.kind, entry.run_status) == ("RUN_REPORTED", "q" * 32)
    (entry,) = await log.hear(deploy.id, "completed", "success" * 9)
    assert (entry.kind, len(entry.run_conclusion or "")) == ("RUN_REPORTED", 32)


async def test_there_is_nothing_to_say_of_a_deploy_that_there_is_not(log: Log) -> None:
    with pytest.raises(DeployNotFound):
        await log.hear("nowhere", "queued")


async def test_reports_and_callbacks_that_come_at_once_leave_one_end(log: Log) -> None:
    for _ in range(10):
        deploy = await log.start()
        await asyncio.gather(
            *(log.hear(deploy.id, "completed", "failure") for _ in range(4)),
            *(log.call_back(deploy.id, "failed") for _ in range(4)),
        )
        lines = await log.lines(deploy.id)
        assert [line[3] for line in lines if line[0] == "TRANSITION"] == ["failed"]
        assert [line[6] for line in lines if line[6]] == ["failure"]


async def test_a_server_tells_what_github_says_of_the_run(log: Log) -> None:
    deploy = await log.start()
    await log.call_back(deploy.id, "building")
    await log.hear(deploy.id, "waiting")
    query = """
        query ($id: ID!) { deploy(id: $id) { commit runUrl status { key next }
            run { id url attempt status conclusion reportedAt }
            auditEntries { edges { node { source kind runStatus runConclusion recordedAt } } } } }
    """
    async with serving(log.database) as server, Caller(server.url) as caller:
        told = (await caller.send(query, id=deploy.id)).data["deploy"]
        page = f"{RUN}/attempts/1"
        entries = [edge["node"] for edge in told["auditEntries"]["edges"]]
        run = {"id": "17", "url": page, "attempt": 1, "status": "waiting", "conclusion": None}
        assert told["run"] == run | {"reportedAt": entries[2]["recordedAt"]}
        assert (told["commit"], told["runUrl"]) == ("c0ffee" * 6 + "beef", page)
        assert told["status"] == {"key": "building", "next": ["deploying", "failed", "cancelled"]}
        assert [(entry["source"], entry["runStatus"]) for entry in entries] == [
            ("OPERATOR", None),
            ("CALLBACK", None),
            ("GITHUB", "waiting"),
        ]
        of_github = "{ auditEntries(filter: {source: GITHUB}) { edges { node { kind } } } }"
        kinds = {edge["node"]["kind"] for edge in (await caller.send(of_github)).data["auditEntries"]["edges"]}
        assert kinds <= {"RUN_REPORTED", "TRANSITION"}
        await assert_consistent(log.database, server.url, only=[deploy.id])


_ATTEMPTS = st.integers(-1, 2)
_WORDS = st.sampled_from([*ENDS_BY, UNHEARD_OF])
_STATUSES = ["queued", "waiting", "in_progress", "completed", "odd"]


class Accounts(RuleBasedStateMachine):
    """Several deploys, and everything that workflows and GitHub may say of them."""

    begun = Bundle("begun")
    database: Path | str = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.log = self.runner.run(self._open())
        self.all: list[Expected] = []

    async def _open(self) -> Log:
        return Log(self.database)

    @rule(target=begun)
    def begin(self) -> Expected:
        deploy = self.runner.run(self.log.start())
        self.all.append(deploy)
        return deploy

    @rule(deploy=begun, data=st.data(), higher=st.sampled_from([0, 0, 0, 1]))
    def go_on(self, deploy: Expected, data: st.DataObject, higher: int) -> None:
        if choices := sorted(model.open_to(deploy.status, deploy.attempt, deploy.attempt + higher)):
            self.call_back(deploy, data.draw(st.sampled_from(choices)), higher)

    @rule(deploy=begun, status=st.sampled_from(model.STATUSES), by=_ATTEMPTS)
    def call_back(self, deploy: Expected, status: str, by: int) -> None:
        attempt = max(1, deploy.attempt + by)
        was_there = (attempt, status) in deploy.reports
        receipt = self.runner.run(self.log.call_back(deploy.id, status, attempt))
        assert (receipt.refusal is None) == deploy.call_back(status, attempt)
        assert receipt.duplicate == was_there

    @rule(deploy=begun, status=st.sampled_from(_STATUSES), by=_ATTEMPTS, asked=st.booleans())
    def hear_how_it_goes(self, deploy: Expected, status: str, by: int, asked: bool) -> None:
        self.hear(deploy, max(1, deploy.attempt + by), status, None, asked=asked)

    @rule(deploy=begun, conclusion=_WORDS, by=_ATTEMPTS, times=st.integers(1, 2), asked=st.booleans())
    def hear_how_it_has_ended(self, deploy: Expected, conclusion: str, by: int, times: int, asked: bool) -> None:
        for _ in range(times):
            self.hear(deploy, max(1, deploy.attempt + by), "completed", conclusion, asked=asked)

    def hear(self, deploy: Expected, attempt: int, status: str, conclusion: str | None, *, asked: bool) -> None:
        missing = deploy.first_to_be_asked_for(attempt)
        appended, asked_for = self.runner.run(self._heard(deploy.id, status, conclusion, attempt, asked))
        if asked_for is not None:
            assert asked_for == missing
            return
        assert missing is None or not appended
        is_new = deploy.hear(attempt, status, conclusion, asked=asked)
        assert len(appended) == is_new
        if appended:
            assert appended[0].sequence == len(deploy.log)

    async def _heard(
        self, deploy_id: str, status: str, conclusion: str | None, attempt: int, asked: bool
    ) -> tuple[list[EntryRecord], int | None]:
        try:
            return await self.log.hear(deploy_id, status, conclusion, attempt, asked=asked), None
        except EarlierAttemptFirst as first:
            return [], first.attempt

    def teardown(self) -> None:
        try:
            for deploy in self.all:
                assert self.runner.run(self.log.lines(deploy.id)) == deploy.log
            self.runner.run(assert_consistent(self.database, only=[deploy.id for deploy in self.all]))
        finally:
            self.runner.run(self.log.store.close())
            self.runner.close()


@pytest.mark.timeout(400)  # a failure takes its time until it is small
async def test_the_log_is_as_the_decision_has_it_whatever_comes_in_whatever_order(log: Log) -> None:
    class Here(Accounts):
        database = log.database

    settings = hypothesis.settings(max_examples=15, stateful_step_count=40, deadline=None)
    await asyncio.to_thread(run_state_machine_as_test, Here, settings=settings)
