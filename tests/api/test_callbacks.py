"""Callbacks through the front door: what is accepted, what is refused, and what is a repeat."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support import model
from tests.support.application import in_this_process
from tests.support.caller import Answer, Caller

# How to get a deploy to each status that a callback may report.
ROUTES: dict[str, tuple[str, ...]] = {
    "queued": (),
    "smoke_running": ("smoke_running",),
    "smoke_passed": ("smoke_running", "smoke_passed"),
    "freeze_checking": ("freeze_checking",),
    "freeze_passed": ("smoke_passed", "freeze_passed"),
    "building": ("building",),
    "deploying": ("building", "deploying"),
    "health_checking": ("building", "deploying", "health_checking"),
    "succeeded": ("building", "deploying", "succeeded"),
    "failed": ("smoke_running", "failed"),
    "cancelled": ("building", "cancelled"),
}


async def _at(caller: Caller, status: str, attempt: int = 1) -> dict[str, Any]:
    """A deploy that stands at this status."""
    deploy = await caller.start()
    await caller.walk(deploy["id"], *ROUTES[status], attempt=attempt)
    return await caller.deploy(deploy["id"])


async def _look(caller: Caller, deploy_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The deploy as it stands, and its newest entry."""
    return await caller.deploy(deploy_id), (await caller.entries(deploy_id))[-1]


@pytest.mark.parametrize("reported_attempt", [1, 2], ids=["same attempt", "higher attempt"])
@pytest.mark.parametrize("origin", ROUTES)
async def test_every_status_reported_from_every_status_does_what_the_design_says(
    caller: Caller, origin: str, reported_attempt: int
) -> None:
    before = await _at(caller, origin)
    for target in model.STATUSES:
        answer = await caller.report(before["id"], target, reported_attempt)
        after, newest = await _look(caller, before["id"])
        assert set(after["status"]["next"]) == model.open_to(after["status"]["key"], 1, 2)
        if reported_attempt == 1 and target in ROUTES[origin]:
            assert answer.status == 200
            assert answer.data["applyCallback"]["duplicate"]
            assert after == before
        elif model.is_legal(origin, 1, target, reported_attempt):
            _is_accepted(answer, before, after, newest, target)
            before = await _at(caller, origin)
        else:
            _is_refused(answer, before, after, newest, target, "ILLEGAL_TRANSITION")
            assert answer.error["from"] == origin
            assert answer.error["attempt"] == 1
            assert set(answer.error["allowed"]) == model.open_to(origin, 1, reported_attempt)
            before = after


@pytest.mark.parametrize("origin", ["building", "succeeded", "cancelled"])
async def test_a_status_of_an_older_attempt_is_stale(caller: Caller, origin: str) -> None:
    before = await _at(caller, origin, attempt=2)
    for target in model.STATUSES:
        answer = await caller.report(before["id"], target, 1)
        after, newest = await _look(caller, before["id"])
        _is_refused(answer, before, after, newest, target, "STALE_ATTEMPT")
        assert answer.error == {
            "code": "STALE_ATTEMPT",
            "from": origin,
            "to": target,
            "allowed": [],
            "attempt": 2,
        }
        before = after


def _is_accepted(
    answer: Answer, before: dict[str, Any], after: dict[str, Any], newest: dict[str, Any], target: str
) -> None:
    assert answer.status == 200
    receipt = answer.data["applyCallback"]
    assert receipt == {"duplicate": False, "entry": newest, "deploy": after}
    assert after["status"]["key"] == newest["toStatus"] == target
    assert after["sequence"] == newest["sequence"] == before["sequence"] + 1
    assert after["attempt"] == newest["attempt"]
    assert after["updatedAt"] == newest["recordedAt"]
    assert after["finishedAt"] == (newest["recordedAt"] if target in model.ENDS else None)
    assert newest["fromStatus"] == before["status"]["key"]
    assert (newest["kind"], newest["refusal"]) == ("TRANSITION", None)


def _is_refused(
    answer: Answer,
    before: dict[str, Any],
    after: dict[str, Any],
    newest: dict[str, Any],
    target: str,
    code: str,
) -> None:
    """Refused, recorded, and nothing moved but the sequence."""
    assert answer.status == 422
    assert answer.body["data"] is None
    assert (answer.code, answer.error["to"]) == (code, target)
    assert after == before | {"sequence": before["sequence"] + 1}
    assert newest["kind"] == "CALLBACK_REFUSED"
    assert newest["refusal"] == code
    assert newest["sequence"] == after["sequence"]
    assert (newest["fromStatus"], newest["toStatus"]) == (before["status"]["key"], target)


@pytest.mark.parametrize("attempt", [1, 2, 3])
async def test_an_unknown_status_is_refused_with_what_is_legal(caller: Caller, attempt: int) -> None:
    before = await _at(caller, "deploying", attempt=2)
    answer = await caller.report(before["id"], "rolling_back", attempt)
    after, newest = await _look(caller, before["id"])
    _is_refused(answer, before, after, newest, "rolling_back", "UNKNOWN_STATUS")
    assert answer.error["from"] == "deploying"
    assert answer.error["attempt"] == 2
    assert set(answer.error["allowed"]) == model.open_to("deploying", 2, attempt)
    assert "rolling_back" in answer.body["errors"][0]["message"]


async def test_a_callback_for_no_deploy_is_refused_and_recorded_nowhere(database: Path) -> None:
    async with in_this_process(database) as caller:
        deploy = await caller.start()
        answer = await caller.report("b2a2b9de-0000-4000-8000-000000000000", "building")
        assert (answer.status, answer.error) == (422, {"code": "DEPLOY_NOT_FOUND"})
        everything = await caller.send("{ auditEntries(first: 200) { edges { node { sequence } } } }")
        assert everything.data["auditEntries"]["edges"] == [{"node": {"sequence": 1}}]
        assert (await caller.deploy(deploy["id"])) == deploy


REPEATED = ("smoke_running", "smoke_passed", "building", "failed")


@pytest.mark.parametrize("status", REPEATED)
@pytest.mark.parametrize("later", [(), ("building",)], ids=["at once", "in a later attempt"])
async def test_a_repeat_gets_the_first_entry_and_writes_nothing(
    caller: Caller, status: str, later: tuple[str, ...]
) -> None:
    deploy = await caller.start()
    firsts = {
        told: (await caller.report(deploy["id"], told, message=f"first {told}")).data["applyCallback"]["entry"]
        for told in REPEATED
    }
    await caller.walk(deploy["id"], *later, attempt=2)
    before, log = await caller.deploy(deploy["id"]), await caller.entries(deploy["id"])
    for _ in range(2):
        answer = await caller.report(deploy["id"], status, message="again", runUrl="https://example.org/2")
        assert answer.status == 200
        receipt = answer.data["applyCallback"]
        assert receipt == {"duplicate": True, "entry": firsts[status], "deploy": before}
    assert await caller.entries(deploy["id"]) == log


async def test_a_refused_report_that_is_sent_again_is_refused_and_recorded_again(caller: Caller) -> None:
    deploy = await caller.start()
    for sequence in (2, 3):
        answer = await caller.report(deploy["id"], "succeeded")
        assert (answer.status, answer.code) == (422, "ILLEGAL_TRANSITION")
        assert (await caller.deploy(deploy["id"]))["sequence"] == sequence
    await caller.walk(deploy["id"], "building", "deploying", "succeeded")


async def test_every_entry_says_who_what_and_when(caller: Caller) -> None:
    deploy = await caller.start("staging", "v1.2.3", note="the release")
    run: dict[str, Any] = {"runId": "9988", "runUrl": "https://github.com/acme/shop/actions/runs/9988"}
    await caller.report(deploy["id"], "building", message="compiling", **run)
    await caller.report(deploy["id"], "queued", message="late")
    start, moved, refused = await caller.entries(deploy["id"])
    assert start["message"] == "the release"
    assert (start["kind"], start["fromStatus"], start["toStatus"]) == ("DEPLOY_STARTED", None, "queued")
    assert moved["message"] == "compiling"
    assert {key: moved[key] for key in run} == run
    assert (refused["message"], refused["runUrl"]) == ("late", None)
    times = [entry["recordedAt"] for entry in (start, moved, refused)]
    assert times == sorted(times)
    assert times[0] == deploy["startedAt"] == deploy["updatedAt"]
    assert all(re.fullmatch(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", time) for time in times)
    assert [entry["actor"] for entry in (start, moved, refused)] == [
        "token:operator",
        "token:workflow",
        "token:workflow",
    ]
    assert len({entry["id"] for entry in (start, moved, refused)}) == 3


async def test_the_run_shown_is_the_last_one_of_this_attempt_that_moved_the_deploy(caller: Caller) -> None:
    deploy = await caller.start()
    assert deploy["runUrl"] is None

    async def after(status: str, attempt: int = 1, url: str | None = None) -> str | None:
        await caller.report(deploy["id"], status, attempt, runUrl=url)
        shown: str | None = (await caller.deploy(deploy["id"]))["runUrl"]
        return shown

    assert await after("building", url="https://example.org/1") == "https://example.org/1"
    assert await after("deploying") == "https://example.org/1"
    assert await after("building", url="https://example.org/repeat") == "https://example.org/1"
    assert await after("queued", url="https://example.org/refused") == "https://example.org/1"
    assert await after("failed") == "https://example.org/1"
    assert await after("building", 2) is None, "the page of an older attempt is no page of this one"
    assert await after("deploying", 2, "https://example.org/2") == "https://example.org/2"


async def test_a_re_run_opens_the_deploy_again_and_keeps_what_has_passed(caller: Caller) -> None:
    deploy = await caller.start()
    await caller.walk(deploy["id"], *model.GATES, "building", "failed")
    failed = await caller.deploy(deploy["id"])
    assert failed["finishedAt"] is not None
    assert failed["status"]["outcome"] == "FAILED"
    await caller.walk(deploy["id"], "building", attempt=3)
    running = await caller.deploy(deploy["id"])
    assert (running["attempt"], running["finishedAt"]) == (3, None)
    assert running["status"]["outcome"] == "IN_PROGRESS"
    told = [(phase["state"], phase["attempt"]) for phase in running["phases"]]
    assert told == [("PASSED", 1), ("PASSED", 1), ("ACTIVE", 3), ("PENDING", None)]
    assert running["phases"][:2] == failed["phases"][:2]
