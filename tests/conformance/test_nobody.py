"""Callbacks of callers who prove nothing do not bury what else a deploy's log holds, whatever database keeps it."""

import asyncio

from phaseline.history import MOST_OF_ANYBODY
from tests.conformance.conftest import Nodes, on_one_of_each
from tests.support.caller import Caller
from tests.support.logins import VIEWER, bearer

_REPORT = "mutation ($input: CallbackInput!) { applyCallback(input: $input) { duplicate } }"


async def _code(caller: Caller, deploy_id: str, attempt: int, authorization: dict[str, str]) -> str:
    """Why a callback for this attempt, by whoever this proves, is refused."""
    variables = {"input": {"deployId": deploy_id, "status": "building", "attempt": attempt}}
    response = await caller.http.post(
        "/graphql", json={"query": _REPORT, "variables": variables}, headers={"authorization": ""} | authorization
    )
    (error,) = response.json()["errors"]
    code: str = error["extensions"]["code"]
    return code


@on_one_of_each
async def test_they_are_refused_for_ever_and_recorded_a_hundred_times(nodes: Nodes) -> None:
    deploy = await nodes.callers[0].start()
    each = MOST_OF_ANYBODY // 2 + 1  # fewer than one node lets be recorded in a minute
    codes = await asyncio.gather(
        *(_code(nodes.callers[number % 2], deploy["id"], 1 + number, {}) for number in range(2 * each))
    )
    assert set(codes) == {"UNAUTHENTICATED"}
    assert len(await nodes.callers[0].entries(deploy["id"])) == 1 + MOST_OF_ANYBODY
    # Who has proven something is in the log all the same, and who may report is not held up.
    assert await _code(nodes.callers[0], deploy["id"], 1, bearer(VIEWER)) == "FORBIDDEN"
    assert (await nodes.callers[1].report(deploy["id"], "building")).status == 200
    entries = await nodes.callers[1].entries(deploy["id"])
    assert [(entry["actor"], entry["refusal"]) for entry in entries[-2:]] == [
        ("token:viewer", "FORBIDDEN"),
        ("token:workflow", None),
    ]
