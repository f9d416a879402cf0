"""What GitHub tells by itself: whether it is GitHub, and what it says."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaseline.github.client import GitHub
from phaseline.github.values import Wait
from phaseline.github.webhooks import JOB, RUN, Delivered, NotGitHubs, has_form, parse, verified
from tests.support.github import FakeGitHub
from tests.support.github.description import describe
from tests.support.github.fake import REPOSITORY, WORKFLOW
from tests.support.github.hooks import Manner
from tests.support.github.serving import Server, body_of
from tests.support.github.state import Run
from tests.support.ports import free_port
from tests.tools import github as published

SECRET, HELLO = "It's a Secret to Everybody", b"Hello, World!"
SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

EXAMPLES = [
    (event, number, example)
    for event, examples in json.loads(published.examples().read_text()).items()
    for number, example in enumerate(examples)
]
INPUTS = {"environment": "staging", "ref": "main", "console_deploy_id": "0d9f"}


class Receiver:
    """Whoever is told. `said`: each delivery's id, and what it says; `status`: how it is answered."""

    def __init__(self) -> None:
        port = free_port()
        self.url, self.said, self.status = f"http://127.0.0.1:{port}/", list[tuple[str, Delivered | None]](), 202
        self.server = Server(self._hear, port)

    async def _hear(self, scope: Any, receive: Any, send: Any) -> None:
        body, headers = await body_of(receive), {name.decode(): value.decode() for name, value in scope["headers"]}
        assert verified(SECRET, body, headers["x-hub-signature-256"])
        self.said.append((headers["x-github-delivery"], parse(headers["x-github-event"], body)))
        await send({"type": "http.response.start", "status": self.status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    def steps(self) -> list[tuple[str | None, ...]]:
        """What was said, shortly, in its order."""
        return [
            (said.job.name if said.job else "run", said.action, said.job.status if said.job else said.status)
            for _, said in self.said
            if said is not None
        ]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.server.start()
    yield receiver
    await receiver.server.stop()


async def begun(github: FakeGitHub, client: GitHub) -> Run:
    answer = await client.dispatch(REPOSITORY, WORKFLOW, "main", INPUTS)
    await github.told()
    return github.repository.runs[int(answer.run_id or 0)]


def test_a_signature_is_by_sha256_over_the_bytes_as_they_came() -> None:
    assert verified(SECRET, HELLO, SIGNATURE)


@pytest.mark.parametrize(
    ("secret", "body", "signature"),
    [
        (SECRET, HELLO, None),
        (SECRET, HELLO, ""),
        (SECRET, HELLO + b" ", SIGNATURE),
        (SECRET + " ", HELLO, SIGNATURE),
        (SECRET, HELLO, SIGNATURE.upper()),
        (SECRET, HELLO, SIGNATURE[:-1]),
        (SECRET, HELLO, SIGNATURE.removeprefix("sha256=")),
        (SECRET, HELLO, "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"),
        (SECRET, HELLO, "größe"),
        (SECRET, HELLO, "\ud800"),
    ],
)
def test_no_other_signature_holds(secret: str, body: bytes, signature: str | None) -> None:
    assert not verified(secret, body, signature)


def test_without_a_secret_not_even_the_right_signature_holds() -> None:
    assert not verified("", HELLO, "sha256=" + hmac.new(b"", HELLO, hashlib.sha256).hexdigest())


def test_there_are_examples_of_both_events() -> None:
    assert {event for event, _, _ in EXAMPLES} == {RUN, JOB}
    assert len(EXAMPLES) == 13


@pytest.mark.parametrize(("event", "number", "example"), EXAMPLES, ids=lambda value: str(value)[:12])
@pytest.mark.parametrize("form", [False, True], ids=["json", "form"])
def test_each_of_githubs_examples_is_understood(event: str, number: int, example: Any, form: bool) -> None:
    text = json.dumps(example)
    body = urlencode({"payload": text}).encode() if form else text.encode()
    said, of = parse(event, body), example[event]
    assert said is not None
    assert (said.event, said.action, said.repository) == (event, example["action"], example["repository"]["full_name"])
    assert said.repository_url == example["repository"]["html_url"]
    assert (said.repository_id, said.head_sha) == (example["repository"]["id"], of["head_sha"])
    assert said.run_id == str(of["id"] if event == RUN else of["run_id"])
    assert said.attempt == of.get("run_attempt")
    if event == RUN:
        assert said.url == of["html_url"]
        assert (said.status, said.conclusion, said.name) == (of["status"], of["conclusion"], of.get("display_title"))
        assert said.job is None
        assert (said.path, said.trigger) == (of.get("path") or example["workflow"]["path"], of["event"])
    else:
        assert (said.path, said.trigger) == (None, None)
        assert said.url == f"{example['repository']['html_url']}/actions/runs/{said.run_id}"
        assert (said.status, said.conclusion) == (None, None)
        assert said.job is not None
        assert (said.job.id, said.job.name, said.job.status) == (str(of["id"]), of["name"], of["status"])
        assert (said.job.conclusion, said.environment) == (
            of["conclusion"],
            (example.get("deployment") or {}).get("environment"),
        )


def test_the_workflow_s_file_is_told_without_where_it_was_taken_from() -> None:
    example = _example(RUN)
    example[RUN]["path"] = ".github/workflows/build.yml@refs/heads/main"
    said = parse(RUN, json.dumps(example).encode())
    assert said is not None
    assert said.path == ".github/workflows/build.yml"


@pytest.mark.parametrize(
    ("signature", "has"), [(SIGNATURE, True), (None, False), (SIGNATURE.upper(), False), ("", False)]
)
def test_what_cannot_be_a_signature_is_told_without_the_body(signature: str | None, has: bool) -> None:
    assert has_form(signature) is has


def test_a_job_that_waits_says_for_what() -> None:
    waiting = [parse(event, json.dumps(example).encode()) for event, _, example in EXAMPLES if event == JOB]
    assert {said.waits_for for said in waiting if said and said.job and said.job.status == "waiting"} == {Wait.APPROVAL}
    assert {said.waits_for for said in waiting if said and said.job and said.job.status == "queued"} == {Wait.RUNNER}


@pytest.mark.parametrize("event", ["ping", "push", "workflow_dispatch", "", "WORKFLOW_RUN"])
def test_other_events_are_none_of_ours_whatever_they_hold(event: str) -> None:
    assert parse(event, b"\xff") is None


def _example(event: str) -> dict[str, Any]:
    return json.loads(json.dumps(next(example for of, _, example in EXAMPLES if of == event)))  # type: ignore[no-any-return]


@pytest.mark.parametrize("event", [RUN, JOB])
def test_words_that_nobody_knows_yet_are_told_as_they_are(event: str) -> None:
    example = _example(event) | {"action": "teleported", "more": [1]}
    example[event] |= {"status": "levitating", "conclusion": "abducted", "more": {}}
    said = parse(event, json.dumps(example).encode())
    assert said is not None
    told = said if said.job is None else said.job
    assert (said.action, told.status, told.conclusion, said.waits_for) == ("teleported", "levitating", "abducted", None)


@pytest.mark.parametrize("event", [RUN, JOB])
@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b"{}", b"\xff\xfe", b"payload=", b"payload=%7B", b"other=%7B%7D", b"&=&" * 20),
        *(b"[" * 100_000, b'{"a":' * 100_000, b'{"workflow_run": {"id": ' + b"9" * 5000 + b"}}"),
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_not_githubs_is_one_error(event: str, body: bytes) -> None:
    with pytest.raises(NotGitHubs):
        parse(event, body)


@pytest.mark.parametrize("event", [RUN, JOB])
@pytest.mark.parametrize("wrong", [None, "", "x", -1, 1.5, True, [], {}, 2**63])
@pytest.mark.parametrize("member", ["id", "run_id", "status", "repository"])
def test_members_that_matter_are_held_to_their_kind(event: str, wrong: object, member: str) -> None:
    example = _example(event)
    if member == "repository":
        example["repository"]["id"] = wrong
    else:
        example[event][member] = wrong
    allowed = (member == "run_id" and event == RUN) or (
        member == "status" and isinstance(wrong, str | None) and (event == RUN or wrong)
    )
    if allowed:
        assert parse(event, json.dumps(example).encode()) is not None
    else:
        with pytest.raises(NotGitHubs):
            parse(event, json.dumps(example).encode())


def test_halves_of_characters_become_something_that_a_database_takes() -> None:
    example = _example(RUN)
    example[RUN]["display_title"] = "a\ud800b"
    said = parse(RUN, json.dumps(example).encode())
    assert said is not None
    assert said.name == "a?b"


@given(st.sampled_from([RUN, JOB]), st.binary() | st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([RUN, JOB, "repository", "id", "run_id"]), inner),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_nothing_that_comes_makes_it_fail_in_another_way(event: str, body: bytes) -> None:
    with suppress(NotGitHubs):
        parse(event, body)


async def test_a_run_is_told_of_from_its_beginning_to_its_end(
    github: FakeGitHub, client: GitHub, receiver: Receiver
) -> None:
    github.hooks.register(receiver.url, SECRET)
    run = await begun(github, client)
    await github.runs.wait(run, "production")
    await github.runs.begin(run)
    await github.runs.end(run, "failure", {"smoke-gate": "success"})
    assert receiver.steps() == [
        ("run", "requested", "queued"),
        ("smoke-gate", "queued", "queued"),
        ("deploy", "queued", "queued"),
        ("smoke-gate", "waiting", "waiting"),
        ("run", "in_progress", "in_progress"),
        ("smoke-gate", "in_progress", "in_progress"),
        ("smoke-gate", "completed", "completed"),
        ("deploy", "completed", "completed"),
        ("run", "completed", "completed"),
    ]
    assert {(said.run_id, said.attempt) for _, said in receiver.said if said} == {(str(run.id), 1)}
    assert {delivery.answers[0] for delivery in github.hooks.all} == {202}


async def test_of_a_run_that_is_run_again_its_jobs_tell_first(
    github: FakeGitHub, client: GitHub, receiver: Receiver
) -> None:
    run = await begun(github, client)
    await github.runs.end(run, "failure", {"smoke-gate": "success"})
    github.hooks.register(receiver.url, SECRET, form=True)
    await client.rerun_failed(REPOSITORY, str(run.id))
    await github.told()
    assert receiver.steps() == [("deploy", "queued", "queued")]
    assert {said.attempt for _, said in receiver.said if said} == {2}


async def test_deliveries_come_twice_late_in_another_order_or_not_at_all(
    github: FakeGitHub, client: GitHub, receiver: Receiver
) -> None:
    github.hooks.register(receiver.url, SECRET)
    github.hooks.manner = Manner.NEVER
    run = await begun(github, client)
    assert receiver.said == []
    github.hooks.manner = Manner.HELD
    await github.runs.begin(run)
    await github.runs.end(run, "success")
    assert receiver.said == []
    await github.hooks.release(lambda held: held[::-1])
    assert receiver.steps()[0] == ("run", "completed", "completed")
    assert receiver.steps()[-1] == ("run", "in_progress", "in_progress")
    receiver.said.clear()
    github.hooks.manner = Manner.TWICE
    await client.rerun(REPOSITORY, str(run.id))
    await github.told()
    ids = [delivery for delivery, _ in receiver.said]
    assert ids[0::2] == ids[1::2]
    assert len(set(ids)) == 2


async def test_whoever_is_away_is_not_told_again_by_itself(
    github: FakeGitHub, client: GitHub, receiver: Receiver
) -> None:
    github.hooks.register(receiver.url, SECRET)
    receiver.status = 503
    await begun(github, client)
    assert [delivery.answers for delivery in github.hooks.all] == [[503]] * 3
    await github.hooks.deliver(github.hooks.all[0])
    assert receiver.said[0] == receiver.said[-1]


@pytest.mark.parametrize(
    "conclusion",
    "success failure cancelled timed_out startup_failure skipped stale action_required neutral".split(),
)
async def test_every_conclusion_is_told_as_github_describes_it(
    github: FakeGitHub, client: GitHub, receiver: Receiver, conclusion: str
) -> None:
    github.hooks.register(receiver.url, SECRET)
    run = await begun(github, client)
    await github.runs.end(run, conclusion)
    said = receiver.said[-1][1]
    assert said is not None
    assert (said.status, said.conclusion) == ("completed", conclusion)


def test_a_delivery_that_is_not_as_described_is_found_out() -> None:
    example = next(example for event, number, example in EXAMPLES if (event, number) == (RUN, 1))
    assert describe().wrong_delivery(RUN, "completed", example) == []
    example[RUN] |= {"conclusion": "abducted"}
    assert any("conclusion" in wrong for wrong in describe().wrong_delivery(RUN, "completed", example))
