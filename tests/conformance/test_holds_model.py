"""Holds and queues under whatever callbacks, GitHub, operators and starts may do, held against a model of them.

The model is written from the design's prose and apart from the code; what the log says of a deploy is the judge of
whether it is in progress.
"""

import asyncio
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from phaseline_schema.environments import WhenBusy
from phaseline_schema.refusals import EnvironmentBusy, NotPossibleNow
from tests.conformance.conftest import on_one_of_each
from tests.conformance.stores import Store
from tests.support import model
from tests.support.consistency import assert_consistent
from tests.support.database import migrate
from tests.support.holds import assert_one_at_a_time
from tests.support.raw import connected
from tests.support.verbs import Verbs

pytestmark = on_one_of_each

# What becomes of asking GitHub, as whoever asks writes it down.
_STATES = ("pending", "sending", "sent", "unclear", "refused")
_CONCLUSIONS = {"success": "succeeded", "cancelled": "cancelled", "timed_out": "failed"}


@dataclass
class Expected:
    """A deploy: where it stands, and what is known of its run."""

    id: str
    number: int
    environment: str
    dispatch: str
    status: str = model.START
    attempt: int = 1
    is_run_again: bool = False  # by GitHub's account alone

    @property
    def is_in_progress(self) -> bool:
        return self.status not in model.ENDS


@dataclass
class Environment:
    """Who has it, who waits for it, and who is in progress beside that, in the order of their starts."""

    holder: Expected | None = None
    queue: list[Expected] = field(default_factory=list)
    beside: list[Expected] = field(default_factory=list)

    def enter(self, deploy: Expected) -> None:
        if self.holder is None:
            self.holder = deploy
        else:
            self.queue.append(deploy)
            deploy.dispatch = "waiting"

    def begin_again(self, deploy: Expected) -> None:
        """A re-run: it takes what is free, and is let through in any case."""
        if self.holder is None:
            self.holder = deploy
        else:
            self._put_beside(deploy)

    def begin_by_hand(self, deploy: Expected) -> None:
        """A run of it is known: it does not wait any more."""
        if deploy in self.queue:
            self.queue.remove(deploy)
            self._put_beside(deploy)

    def end(self, deploy: Expected) -> None:
        for others in (self.queue, self.beside):
            if deploy in others:
                others.remove(deploy)
        if self.holder is deploy:
            self.holder = None
            if self.beside:
                self.holder = self.beside.pop(0)
            elif self.queue:
                self.holder = self.queue.pop(0)
                if self.holder.dispatch == "waiting":
                    self.holder.dispatch = "pending"

    def _put_beside(self, deploy: Expected) -> None:
        self.beside.append(deploy)
        self.beside.sort(key=lambda one: one.number)


class Holds(RuleBasedStateMachine):
    """Several deploys to two environments."""

    begun = Bundle("begun")
    database: Path | str = ""
    numbers = count()

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.verbs = self.runner.run(self._open())
        self.all: list[Expected] = []
        number = next(self.numbers)
        self.names = [f"one {number}", f"other {number}"]  # nobody has used them
        self.environments = {name: Environment() for name in self.names}

    async def _open(self) -> Verbs:
        return Verbs(self.database)

    @rule(target=begun, which=st.integers(0, 1), when_busy=st.sampled_from(WhenBusy))
    def start(self, which: int, when_busy: WhenBusy) -> Expected | None:
        name = self.names[which]
        environment = self.environments[name]
        if environment.holder is not None and when_busy is WhenBusy.REFUSE:
            with pytest.raises(EnvironmentBusy) as raised:
                self.runner.run(self.verbs.start(name, when_busy))
            assert raised.value.details["deployId"] == environment.holder.id
            return None
        started = self.runner.run(self.verbs.start(name, when_busy))
        assert started.waits == (environment.holder is not None)
        deploy = Expected(started.deploy.id, len(self.all), name, "pending")
        self.all.append(deploy)
        environment.enter(deploy)
        return deploy

    @rule(deploy=begun, state=st.sampled_from(_STATES))
    def ask_github(self, deploy: Expected | None, state: str) -> None:
        """Whoever asks GitHub for the run writes down what has become of it; never of one that waits."""
        if deploy is None or not deploy.is_in_progress or deploy.dispatch not in ("pending", "sending"):
            return
        self.runner.run(self._write_down(deploy.id, state))
        deploy.dispatch = state

    async def _write_down(self, deploy_id: str, state: str) -> None:
        async with connected(self.database) as raw:
            await raw.execute("UPDATE dispatches SET state = :state WHERE deploy_id = :id", state=state, id=deploy_id)

    @rule(deploy=begun, data=st.data(), higher=st.sampled_from([0, 0, 0, 1]))
    def call_back(self, deploy: Expected | None, data: st.DataObject, higher: int) -> None:
        if deploy is None:
            return
        choices = sorted(model.open_to(deploy.status, deploy.attempt, deploy.attempt + higher))
        if choices:
            status = data.draw(st.sampled_from(choices))
            receipt = self.runner.run(self.verbs.call_back(deploy.id, status, deploy.attempt + higher))
            assert receipt.refusal is None
            if not receipt.duplicate:
                self._moved(deploy, status, deploy.attempt + higher)

    @rule(deploy=begun, status=st.sampled_from(["building", "failed", "cancelled", "building"]))
    def fail_or_run_again(self, deploy: Expected | None, status: str) -> None:
        """The way to an end and out of it again, which is rare among all the others."""
        attempt = 0 if deploy is None else deploy.attempt + (not deploy.is_in_progress)
        if deploy is not None and model.is_legal(deploy.status, deploy.attempt, status, attempt):
            self.runner.run(self.verbs.call_back(deploy.id, status, attempt))
            self._moved(deploy, status, attempt)

    @rule(deploy=begun, status=st.sampled_from(model.STATUSES))
    def call_back_in_vain(self, deploy: Expected | None, status: str) -> None:
        if deploy is not None and not model.is_legal(deploy.status, deploy.attempt, status, deploy.attempt):
            self.runner.run(self.verbs.call_back(deploy.id, status, deploy.attempt))

    @rule(deploy=begun, conclusion=st.sampled_from([None, *_CONCLUSIONS]), higher=st.sampled_from([0, 0, 1]))
    def hear(self, deploy: Expected | None, conclusion: str | None, higher: int) -> None:
        """GitHub tells of the attempt that the deploy is in, or, where that has ended, of the next."""
        if deploy is None or (higher and deploy.is_in_progress):
            return
        attempt = deploy.attempt + higher
        told = self.runner.run(
            self.verbs.hear(deploy.id, "completed" if conclusion else "in_progress", conclusion, attempt)
        )
        for entry in told:
            if entry.kind == "TRANSITION":
                assert entry.to_status == _CONCLUSIONS[conclusion or ""]
                self._moved(deploy, entry.to_status, attempt)
            else:
                self._settled(deploy)
                if attempt > deploy.attempt:
                    self._goes_on(deploy, goes_on=conclusion is None)

    def _goes_on(self, deploy: Expected, *, goes_on: bool) -> None:
        """It has an end and keeps it, and a later attempt goes on, or is over."""
        environment = self.environments[deploy.environment]
        if goes_on and not deploy.is_run_again:
            environment.begin_again(deploy)
        elif deploy.is_run_again and not goes_on:
            environment.end(deploy)
        deploy.is_run_again = goes_on

    @rule(deploy=begun)
    def abandon(self, deploy: Expected | None) -> None:
        if deploy is None:
            return
        if not deploy.is_in_progress:
            with pytest.raises(NotPossibleNow):
                self.runner.run(self.verbs.abandon(deploy.id))
            return
        self.runner.run(self.verbs.abandon(deploy.id))
        self._ended(deploy, "abandoned")

    @rule(deploy=begun)
    def withdraw(self, deploy: Expected | None) -> None:
        if deploy is None:
            return
        if not deploy.is_in_progress:
            with pytest.raises(NotPossibleNow):
                self.runner.run(self.verbs.withdraw(deploy.id))
            return
        done = self.runner.run(self.verbs.withdraw(deploy.id))
        assert (done is not None) == (deploy.dispatch in ("waiting", "pending"))
        if done is not None:
            self._ended(deploy, "cancelled")

    def _settled(self, deploy: Expected) -> None:
        """Something is known of a run: it was begun, and nothing is to be sent for it."""
        if deploy.dispatch in ("waiting", "pending", "sending", "unclear"):
            deploy.dispatch = "sent"
        self.environments[deploy.environment].begin_by_hand(deploy)

    def _moved(self, deploy: Expected, status: str, attempt: int) -> None:
        was_in_progress = deploy.is_in_progress
        deploy.attempt = attempt
        self._settled(deploy)
        if status in model.ENDS and was_in_progress:
            self._ended(deploy, status)
        elif status in model.ENDS:
            self._goes_on(deploy, goes_on=False)
        elif not was_in_progress:
            self._goes_on(deploy, goes_on=True)
            deploy.is_run_again = False  # it is in progress by itself
        deploy.status = status

    def _ended(self, deploy: Expected, status: str) -> None:
        if deploy.dispatch in ("waiting", "pending"):
            deploy.dispatch = "withdrawn"
        deploy.status = status
        self.environments[deploy.environment].end(deploy)

    @invariant()
    def is_as_expected(self) -> None:
        found = self.runner.run(assert_one_at_a_time(self.database, *self.environments))
        for name, environment in self.environments.items():
            holder = environment.holder.id if environment.holder else None
            assert found.holds.get(name) == holder
            assert found.queues.get(name, []) == [deploy.id for deploy in environment.queue]
            assert found.beside.get(name, set()) == {deploy.id for deploy in environment.beside}
        assert {deploy.id: found.dispatches[deploy.id] for deploy in self.all} == {
            deploy.id: deploy.dispatch for deploy in self.all
        }

    def teardown(self) -> None:
        try:
            self.runner.run(assert_consistent(self.database, only=[deploy.id for deploy in self.all]))
        finally:
            self.runner.run(self.verbs.store.close())
            self.runner.close()


@pytest.mark.timeout(400)  # a failure takes its time until it is small
async def test_an_environment_is_one_deploy_s_whatever_comes_in_whatever_order(store: Store) -> None:
    made = await store.empty()
    await migrate(made)

    class Here(Holds):
        database = made

    settings = hypothesis.settings(max_examples=15, stateful_step_count=40, deadline=None)
    await asyncio.to_thread(run_state_machine_as_test, Here, settings=settings)
