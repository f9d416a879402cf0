"""Callbacks in any order, with repeats, old and new attempts and unknown statuses, held against a model.

The model is written from the design's prose, apart from the code; everything here is seen through HTTP.
"""

import asyncio
from typing import Any

import httpx
import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule, run_state_machine_as_test

from tests.conformance.conftest import Nodes
from tests.support import model
from tests.support.caller import DEPLOY, ENTRY
from tests.support.logins import bearer, token_for
from tests.support.told import Told

START = "mutation ($input: StartDeployInput!) { startDeploy(input: $input) {" + DEPLOY + "} }"
REPORT = (
    "mutation ($input: CallbackInput!) { applyCallback(input: $input) "
    "{ duplicate entry {" + ENTRY + "} deploy {" + DEPLOY + "} } }"
)
LOOK = (
    "query ($id: ID!) { deploy(id: $id) {" + DEPLOY + " auditEntries(first: 200) "
    "{ edges { node {" + ENTRY + "} } pageInfo { hasNextPage } } } }"
)


class Callbacks(RuleBasedStateMachine):
    """Several deploys, and everything that workflows may send for them."""

    deploys = Bundle("deploys")
    urls: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.nodes = [httpx.Client(base_url=url, timeout=30, trust_env=False) for url in self.urls]
        self.all: list[Told] = []

    def send(self, query: str, **variables: Any) -> tuple[int, dict[str, Any]]:
        """To the nodes in turn."""
        self.nodes.reverse()
        response = self.nodes[0].post(
            "/graphql", json={"query": query, "variables": variables}, headers=bearer(token_for(query))
        )
        return response.status_code, response.json()

    def begin(self) -> Told:
        status, body = self.send(START, input={"environment": "model", "ref": "main"})
        assert status == 200, body
        deploy = body["data"]["startDeploy"]
        told = Told(deploy["id"])
        self.all.append(told)
        self.is_as_told(told, deploy)
        return told

    @initialize(target=deploys)
    def begin_two(self) -> Any:
        return multiple(self.begin(), self.begin())

    @rule(target=deploys)
    def begin_another(self) -> Told:
        return self.begin()

    @rule(told=deploys, data=st.data(), higher=st.sampled_from([0, 0, 0, 1, 2]))
    def go_on(self, told: Told, data: st.DataObject, higher: int) -> None:
        """What a workflow that does everything right might send next."""
        if choices := sorted(model.open_to(told.status, told.attempt, told.attempt + higher)):
            self.report(told, data.draw(st.sampled_from(choices)), told.attempt + higher)

    @rule(told=deploys, status=st.sampled_from(model.STATUSES), by=st.integers(-2, 2))
    def report_anything(self, told: Told, status: str, by: int) -> None:
        self.report(told, status, max(1, told.attempt + by))

    @rule(told=deploys, status=st.sampled_from(["paused", "SUCCEEDED", "смоук"]), by=st.integers(-1, 1))
    def report_the_unknown(self, told: Told, status: str, by: int) -> None:
        self.report(told, status, max(1, told.attempt + by))

    @rule(told=deploys, data=st.data())
    def repeat(self, told: Told, data: st.DataObject) -> None:
        if told.reports:
            attempt, status = data.draw(st.sampled_from(told.reports))
            self.report(told, status, attempt)

    def report(self, told: Told, status: str, attempt: int) -> None:
        code = told.refusal(status, attempt)
        repeated = (attempt, status) in told.reports
        answered, body = self.send(REPORT, input={"deployId": told.id, "status": status, "attempt": attempt})
        if code and not repeated:
            self.is_refused(told, status, attempt, code, answered, body)
            told.record(status, attempt, code)
            return
        assert answered == 200, body
        receipt = body["data"]["applyCallback"]
        assert receipt["duplicate"] == repeated
        if not repeated:
            told.record(status, attempt, None)
            assert receipt["entry"]["sequence"] == len(told.log)
        place = receipt["entry"]["sequence"] - 1
        assert told.log[place][0] == "TRANSITION"
        assert told.log[place][2:4] == (status, attempt)
        self.is_as_told(told, receipt["deploy"])

    @staticmethod
    def is_refused(told: Told, status: str, attempt: int, code: str, answered: int, body: Any) -> None:
        assert answered == 422, body
        said = body["errors"][0]["extensions"]
        assert (said["code"], said["from"], said["to"]) == (code, told.status, status)
        assert said["attempt"] == told.attempt
        assert set(said["allowed"]) == model.open_to(told.status, told.attempt, attempt)

    @staticmethod
    def is_as_told(told: Told, deploy: dict[str, Any]) -> None:
        assert deploy["status"]["key"] == told.status
        assert deploy["status"]["outcome"] == model.outcome(told.status)
        assert (deploy["attempt"], deploy["sequence"]) == (told.attempt, len(told.log))
        assert (deploy["finishedAt"] is not None) == (told.status in model.ENDS)
        phases = {phase["key"]: model.PhaseTold(phase["state"], phase["attempt"]) for phase in deploy["phases"]}
        assert phases == model.phases(told.reports)

    @rule(told=deploys)
    def look(self, told: Told) -> None:
        status, body = self.send(LOOK, id=told.id)
        assert status == 200, body
        deploy = body["data"]["deploy"]
        self.is_as_told(told, deploy)
        entries = [edge["node"] for edge in deploy["auditEntries"]["edges"]]
        assert [entry["sequence"] for entry in entries] == list(range(1, len(told.log) + 1))
        names = ("kind", "fromStatus", "toStatus", "attempt", "refusal")
        assert [tuple(entry[name] for name in names) for entry in entries] == told.log

    def teardown(self) -> None:
        try:
            for told in self.all:
                self.look(told)
        finally:
            for node in self.nodes:
                node.close()


@pytest.mark.timeout(400)  # a failure takes its time until it is small
async def test_the_api_agrees_with_the_model_whatever_is_sent(nodes: Nodes) -> None:
    class Here(Callbacks):
        urls = tuple(server.url for server in nodes.servers)

    settings = hypothesis.settings(max_examples=4, stateful_step_count=40)
    # In a thread, because the server's log is read in this one.
    await asyncio.to_thread(run_state_machine_as_test, Here, settings=settings)
