"""GitHub tells of runs by itself: what is taken, what it comes to, and what is turned away."""

import asyncio
import itertools
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.accounting import ENDS_BY
from tests.support.asking import over_http
from tests.support.caller import Caller
from tests.support.github.telling import (
    EXAMPLES,
    PATH,
    SECRET,
    deliver,
    environments,
    headers,
    of_job,
    of_run,
    page,
    post,
)
from tests.support.issuer import REPOSITORY, Issuer, trust_file
from tests.support.server import Server, serving
from tests.support.starting import start
from tests.support.viewer import PHASE_CHANGED, viewing
from tests.support.waiting import until
from tests.support.witness import faults, written

_ids = itertools.count(12_877_700_000)

PING = b'{"zen": "Speak like a human.", "hook_id": 1}'


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings of a server that GitHub tells."""
    file = tmp_path_factory.mktemp("webhooks") / "environments.toml"
    file.write_text(environments())
    return {"environments_file": str(file), "github_webhook_secret": SECRET}


@pytest.fixture(scope="module")
async def server(files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """One that has no credential, and so can ask for nothing."""
    async with serving(tmp_path_factory.mktemp("webhooks") / "phaseline.db", **files) as running:
        yield running


@pytest.fixture
async def caller(server: Server) -> AsyncIterator[Caller]:
    before = len(faults(server))
    async with Caller(server.url) as calling:
        yield calling
    await post(server.url, PING, headers(PING, "ping", last := f"last-{next(_ids)}"))
    await until(lambda: any(line.get("delivery") == last for line in server.log))
    assert not faults(server)[before:]


async def _under_way(server: Server, *statuses: str) -> tuple[str, str]:
    """A deploy that a run reports for: the ids of both."""
    deploy_id, run_id = await start(server.database), str(next(_ids))
    async with Caller(server.url) as caller:
        for status in statuses or ("building", "deploying"):
            assert (await caller.report(deploy_id, status, runId=run_id)).status == 200
    return deploy_id, run_id


async def _said(caller: Caller, deploy_id: str) -> list[tuple[Any, ...]]:
    """Its log, shortly."""
    names = ("kind", "source", "toStatus", "attempt", "runConclusion")
    return [tuple(entry[name] for name in names) for entry in await caller.entries(deploy_id)]


async def test_a_run_whose_last_callback_was_lost_ends_its_deploy_before_the_viewer_s_eyes(
    server: Server, caller: Caller
) -> None:
    deploy_id, run_id = await _under_way(server)
    async with viewing(server.url) as viewer:
        await viewer.subscribe(PHASE_CHANGED, id=deploy_id)
        assert (await viewer.event())["deploy"]["status"]["key"] == "deploying"
        assert await deliver(server.url, of_run(run_id, "timed_out")) == {"answer": "recorded", "recorded": 1}
        told = await viewer.event()
    assert told["deploy"]["status"] == {"key": "failed", "outcome": "FAILED"}
    assert [phase["state"] for phase in told["deploy"]["phases"]][2] == "NOT_REPORTED"
    (entry,) = (await caller.entries(deploy_id))[3:]
    assert (entry["kind"], entry["source"], entry["actor"]) == ("TRANSITION", "GITHUB", f"github:{REPOSITORY}")
    assert (entry["runId"], entry["runUrl"]) == (run_id, f"{page(run_id)}/attempts/1")
    assert (entry["runStatus"], entry["runConclusion"]) == ("completed", "timed_out")


@pytest.mark.parametrize("form", [False, True], ids=["json", "form"])
@pytest.mark.parametrize("conclusion", ENDS_BY)
async def test_each_conclusion_leads_to_its_end(server: Server, caller: Caller, conclusion: str, form: bool) -> None:
    deploy_id, run_id = await _under_way(server, "smoke_running")
    await deliver(server.url, of_run(run_id, conclusion), form=form)
    assert (await _said(caller, deploy_id))[2:] == [("TRANSITION", "GITHUB", ENDS_BY[conclusion], 1, conclusion)]


async def test_a_delivery_that_comes_again_has_no_effect_and_what_another_repeats_is_nothing_new(
    server: Server, caller: Caller
) -> None:
    deploy_id, run_id = await _under_way(server)
    first = of_run(run_id)
    assert (await deliver(server.url, first, delivery=f"d-{run_id}"))["answer"] == "recorded"
    # Another status than the last is news, so only its id tells that this has been.
    assert (await deliver(server.url, of_run(run_id, status="levitating")))["answer"] == "recorded"
    assert await deliver(server.url, first, delivery=f"d-{run_id}") == {"answer": "duplicate", "recorded": 0}
    assert (await deliver(server.url, of_run(run_id, status="levitating")))["answer"] == "nothing new"
    assert len(await caller.entries(deploy_id)) == 5


@pytest.mark.parametrize("status", ["requested", "queued", "pending", "waiting"])
async def test_that_a_run_is_made_is_nothing_new_when_it_is_known_to_have_begun(
    server: Server, caller: Caller, status: str
) -> None:
    deploy_id, run_id = await _under_way(server)
    assert (await deliver(server.url, of_run(run_id)))["answer"] == "recorded"
    assert (await deliver(server.url, of_run(run_id, status=status)))["answer"] == "nothing new"
    assert len(await caller.entries(deploy_id)) == 4


async def test_a_run_reports_for_several_deploys_and_each_is_told_once(server: Server, caller: Caller) -> None:
    deploy_id, run_id = await _under_way(server)
    other_id = await start(server.database)
    assert (await caller.report(other_id, "building", runId=run_id)).status == 200
    given = of_run(run_id, "failure")
    assert await deliver(server.url, given, delivery=f"d-{run_id}") == {"answer": "recorded", "recorded": 2}
    assert await deliver(server.url, given, delivery=f"d-{run_id}") == {"answer": "duplicate", "recorded": 0}
    assert {(await _said(caller, one))[-1][2:4] for one in (deploy_id, other_id)} == {("failed", 1)}


async def test_what_one_of_its_deploys_has_to_ask_for_may_be_sent_again(server: Server, caller: Caller) -> None:
    deploy_id, run_id = await _under_way(server)
    other_id = await start(server.database)
    for status, attempt in (("failed", 1), ("building", 2)):
        assert (await caller.report(other_id, status, attempt, runId=run_id)).status == 200
    given, delivery = of_run(run_id, "success", attempt=2), f"d-{run_id}"
    assert await deliver(server.url, given, delivery=delivery) == {"answer": "recorded", "recorded": 1}
    assert await deliver(server.url, given, delivery=delivery) == {"answer": "asked", "recorded": 0}
    assert (await caller.deploy(other_id))["status"]["key"] == "succeeded"
    assert (await caller.deploy(deploy_id))["status"]["key"] == "deploying"


async def test_after_githubs_end_the_same_callback_is_a_duplicate_and_another_is_refused_and_recorded(
    server: Server, caller: Caller
) -> None:
    deploy_id, run_id = await _under_way(server)
    await deliver(server.url, of_run(run_id, "failure"))
    same, other = await caller.report(deploy_id, "failed"), await caller.report(deploy_id, "succeeded")
    assert same.data["applyCallback"]["duplicate"]
    assert (other.status, other.code) == (422, "ILLEGAL_TRANSITION")
    assert [line[:3] for line in await _said(caller, deploy_id)][3:] == [
        ("TRANSITION", "GITHUB", "failed"),
        ("CALLBACK_REFUSED", "CALLBACK", "succeeded"),
    ]


@pytest.mark.parametrize("said", ["success", "failure"])
async def test_an_end_that_a_callback_has_told_stays_and_the_conclusion_is_kept_beside_it(
    server: Server, caller: Caller, said: str
) -> None:
    deploy_id, run_id = await _under_way(server, "building", "deploying", "succeeded")
    await deliver(server.url, of_run(run_id, said))
    assert (await _said(caller, deploy_id))[4:] == [("RUN_REPORTED", "GITHUB", "succeeded", 1, said)]


async def test_a_delivery_that_cannot_be_recorded_yet_may_be_sent_again(server: Server, caller: Caller) -> None:
    deploy_id, run_id = await _under_way(server)
    again = of_run(run_id, "success", attempt=2)
    assert (await deliver(server.url, again, delivery=f"early-{run_id}"))["answer"] == "asked"
    assert len(await caller.entries(deploy_id)) == 3
    await deliver(server.url, of_run(run_id, "failure"))
    assert (await deliver(server.url, again, delivery=f"early-{run_id}"))["answer"] == "recorded"
    assert (await _said(caller, deploy_id))[3:] == [
        ("TRANSITION", "GITHUB", "failed", 1, "failure"),
        ("TRANSITION", "GITHUB", "succeeded", 2, "success"),
    ]


@pytest.mark.parametrize("attempt", [None, 0, 2**31, 2**63 - 1])
async def test_what_does_not_say_of_which_attempt_it_speaks_moves_nothing(
    server: Server, caller: Caller, attempt: int | None
) -> None:
    deploy_id, run_id = await _under_way(server)
    assert await deliver(server.url, of_run(run_id, "failure", attempt)) == {"answer": "asked", "recorded": 0}
    assert len(await caller.entries(deploy_id)) == 3


async def test_that_a_run_is_over_and_not_how_is_something_to_ask_for(server: Server, caller: Caller) -> None:
    deploy_id, run_id = await _under_way(server)
    said = await deliver(server.url, of_run(run_id, status="completed"))
    assert said == {"answer": "asked", "recorded": 0}
    assert len(await caller.entries(deploy_id)) == 3


async def test_a_job_that_has_begun_is_something_to_ask_for_where_its_run_is_said_to_wait(
    server: Server, caller: Caller
) -> None:
    _, run_id = await _under_way(server)
    await deliver(server.url, of_run(run_id, status="queued"))
    assert (await deliver(server.url, of_job(run_id, "in_progress"), "workflow_job"))["answer"] == "asked"
    await deliver(server.url, of_run(run_id))
    assert (await deliver(server.url, of_job(run_id, "in_progress"), "workflow_job"))["answer"] == "nothing new"


async def test_a_job_says_nothing_of_its_run(server: Server, caller: Caller) -> None:
    deploy_id, run_id = await _under_way(server)
    for status, answer in (("waiting", "asked"), ("in_progress", "nothing new"), ("completed", "nothing new")):
        assert (await deliver(server.url, of_job(run_id, status), "workflow_job"))["answer"] == answer
    assert len(await caller.entries(deploy_id)) == 3


@pytest.mark.parametrize("repository", ["octo-org/shop", "octo-org/console-2", "evil/console"])
async def test_another_repositorys_run_moves_nothing_whatever_its_id(
    server: Server, caller: Caller, repository: str
) -> None:
    deploy_id, run_id = await _under_way(server)
    told = await deliver(server.url, of_run(run_id, "success", repository=repository))
    assert told == {"answer": "ignored", "recorded": 0}
    assert len(await caller.entries(deploy_id)) == 3


async def test_a_repository_is_the_same_however_its_name_is_written(server: Server, caller: Caller) -> None:
    _, run_id = await _under_way(server)
    assert (await deliver(server.url, of_run(run_id, "success", repository="Octo-Org/Console")))["recorded"] == 1


async def test_a_run_that_only_a_refused_callback_has_named_is_nobodys(server: Server, caller: Caller) -> None:
    deploy_id, run_id = await _under_way(server)
    other = str(next(_ids))
    assert (await caller.report(deploy_id, "smoke_running", runId=other)).status == 422
    assert (await deliver(server.url, of_run(other, "success")))["answer"] == "ignored"
    assert (await deliver(server.url, of_run(run_id, "success")))["answer"] == "recorded"


@pytest.mark.parametrize(
    "there", ["https://github.example.com/octo-org/console", "https://github.com:8443/", "https://["]
)
async def test_what_another_github_tells_is_ignored_and_logged(server: Server, caller: Caller, there: str) -> None:
    deploy_id, run_id = await _under_way(server)
    given = of_run(run_id, "success")
    given["repository"]["html_url"] = there
    assert (await deliver(server.url, given))["answer"] == "ignored"
    assert len(await caller.entries(deploy_id)) == 3
    await until(lambda: any(line.get("repository") == there for line in server.log))


@pytest.mark.parametrize(("event", "number", "example"), EXAMPLES, ids=lambda value: str(value)[:12])
async def test_githubs_own_examples_are_answered_well(
    server: Server, caller: Caller, event: str, number: int, example: Any
) -> None:
    before = written(server.database)
    assert (await deliver(server.url, example, event))["answer"] == "ignored"
    assert written(server.database) == before


@pytest.mark.parametrize("event", ["ping", "push", "check_run"])
async def test_other_events_are_passed_over_whatever_they_hold(server: Server, caller: Caller, event: str) -> None:
    for body in (PING, b"\xff", b""):
        answer = await post(server.url, body, headers(body, event))
        assert (answer.status_code, answer.json()) == (202, {"answer": "ignored", "recorded": 0})


UNSIGNED: dict[str, dict[str, str]] = {
    "none": {"x_hub_signature_256": ""},
    "another's": {"x_hub_signature_256": "sha256=" + "0" * 64},
    "the older one": {"x_hub_signature_256": "", "x_hub_signature": "sha1=" + "0" * 40},
    "no signature at all": {"x_hub_signature_256": "sha256"},
    "and no event": {"x_hub_signature_256": "", "x_github_event": ""},
    "and another content type": {"x_hub_signature_256": "", "content_type": "text/plain"},
}


@pytest.mark.parametrize("wrong", UNSIGNED.values(), ids=UNSIGNED)
async def test_what_is_not_signed_moves_nothing(server: Server, caller: Caller, wrong: dict[str, str]) -> None:
    deploy_id, run_id = await _under_way(server)
    body = json.dumps(of_run(run_id, "success")).encode()
    answer = await post(server.url, body, headers(body, **wrong))
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert len(await caller.entries(deploy_id)) == 3


@pytest.mark.parametrize("signature", [None, "sha256=", f"sha256={'0' * 63}", f"sha1={'0' * 40}", f"sha256={'g' * 64}"])
async def test_what_nobody_can_have_signed_is_refused_before_its_body_comes(
    server: Server, caller: Caller, signature: str | None
) -> None:
    host = server.url.removeprefix("http://")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    head = [f"POST {PATH} HTTP/1.1", f"host: {host}", "content-length: 1000000", "x-github-event: ping"]
    head += [] if signature is None else [f"x-hub-signature-256: {signature}"]
    writer.write("\r\n".join([*head, "", ""]).encode())
    async with asyncio.timeout(4):  # a body that does not come is waited for longer
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    writer.close()
    assert answer.startswith("http/1.1 401 ")
    assert "cache-control: no-store" in answer


async def test_no_answer_is_kept_by_anybody(server: Server, caller: Caller) -> None:
    wrong: tuple[dict[str, str], ...] = (
        {},
        {"x_hub_signature_256": "sha256=" + "0" * 64},
        {"content_type": "text/plain"},
        {"x_github_event": ""},
    )
    answers = [await post(server.url, PING, headers(PING, **{"x_github_event": "ping", **one})) for one in wrong]
    answers.append(await post(server.url, b" " * (2**20 + 1), headers(b" " * (2**20 + 1))))
    assert [answer.status_code for answer in answers] == [202, 401, 415, 400, 413]
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}


WRONG: dict[str, tuple[bytes, dict[str, str], int, str]] = {
    "no JSON": (b"{", {}, 400, "BAD_REQUEST"),
    "nothing": (b"", {}, 400, "BAD_REQUEST"),
    "of another event": (PING, {}, 400, "BAD_REQUEST"),
    "another content type": (PING, {"content_type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "no content type": (PING, {"content_type": ""}, 415, "UNSUPPORTED_MEDIA_TYPE"),
    "no event": (PING, {"x_github_event": ""}, 400, "BAD_USER_INPUT"),
    "no id": (json.dumps(of_run("1")).encode(), {"x_github_delivery": "?"}, 400, "BAD_USER_INPUT"),
    "an id too long": (json.dumps(of_run("1")).encode(), {"x_github_delivery": "d" * 65}, 400, "BAD_USER_INPUT"),
    "too large": (b" " * (2**20 + 1), {}, 413, "TOO_LARGE"),
}


@pytest.mark.parametrize(("body", "given", "status", "code"), WRONG.values(), ids=WRONG)
async def test_what_is_not_as_github_sends_it_is_refused_in_the_form_of_a_graphql_error(
    server: Server, caller: Caller, body: bytes, given: dict[str, str], status: int, code: str
) -> None:
    answer = await post(server.url, body, headers(body, **given))
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, code)


async def test_one_that_is_larger_than_other_bodies_may_be_is_taken(server: Server, caller: Caller) -> None:
    _, run_id = await _under_way(server)
    assert (await deliver(server.url, of_run(run_id, "success", filling="x" * 500_000)))["recorded"] == 1


async def test_whose_run_is_nobodys_costs_no_write(files: dict[str, str], database: Path) -> None:
    async with serving(database, **files) as server, httpx.AsyncClient(base_url=server.url, trust_env=False) as http:

        async def writes() -> float:
            text = (await http.get("/metrics")).text
            return float(text.partition('phaseline_database_seconds_count{kind="write"} ')[2].split()[0])

        before = await writes()
        for event, given in (("workflow_run", of_run("1", "success")), ("workflow_job", of_job("1", "waiting"))):
            assert (await deliver(server.url, given, event))["answer"] == "ignored"
        assert await writes() == before
        _, run_id = await _under_way(server)
        before = await writes()
        await deliver(server.url, of_run(run_id, "success"))
        assert await writes() > before


async def test_it_is_a_path_to_post_to(server: Server, caller: Caller) -> None:
    assert (await caller.http.get(PATH)).status_code == 405


async def test_without_a_secret_there_is_no_such_path(own_server: Server) -> None:
    body = json.dumps(of_run("1", "success")).encode()
    for given in (headers(body), headers(body, x_hub_signature_256="")):
        answer = await post(own_server.url, body, given)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (404, "NOT_FOUND")


async def test_bad_signatures_are_counted_as_what_proves_nobody_and_good_ones_are_not(
    files: dict[str, str], database: Path
) -> None:
    async with serving(database, **files | {"unproven_per_minute": "18"}) as server:
        for _ in range(5):
            assert (await post(server.url, PING, headers(PING, "ping"))).status_code == 202
        unsigned = headers(PING, x_hub_signature_256="")
        answers = [await post(server.url, PING, unsigned) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
        assert int(answers[-1].headers["retry-after"]) > 0
        assert (await post(server.url, PING, headers(PING, "ping"))).status_code == 202


async def test_deliveries_that_cannot_come_again_are_forgotten(files: dict[str, str], database: Path) -> None:
    async with serving(database, **files) as server:
        with closing(sqlite3.connect(database)) as connection, connection:
            rows = [(f"old-{number}", "2026-01-01 00:00:00.000000") for number in range(150)]
            connection.executemany("INSERT INTO webhook_deliveries VALUES (?, ?)", rows)
        left = []
        for _ in range(2):
            _, run_id = await _under_way(server)
            await deliver(server.url, of_run(run_id, "success"))
            with closing(sqlite3.connect(database)) as connection:
                left += connection.execute("SELECT count(*) FROM webhook_deliveries").fetchone()
    assert left == [51, 2]


async def test_deliveries_are_measured_and_logged_by_what_came_of_them(files: dict[str, str], database: Path) -> None:
    async with serving(database, **files) as server, Caller(server.url) as caller:
        _, run_id = await _under_way(server)
        await deliver(server.url, of_run(run_id, "success"), delivery="told-once")
        await deliver(server.url, of_run(run_id, "success"), delivery="told-once")
        await post(server.url, PING, headers(PING, x_hub_signature_256=""))
        text = (await caller.http.get("/metrics")).text
        counted = dict(re.findall(r'phaseline_webhook_deliveries_total\{answer="(.*?)"\} (\S+)', text))
    assert {answer for answer, count in counted.items() if count != "0.0"} == {
        "recorded",
        "duplicate",
        "UNAUTHENTICATED",
    }
    lines = [line for line in server.log if line["event"] == "webhook"]
    assert [(line["webhook"], line["delivery"], line["answer"]) for line in lines] == [
        ("workflow_run", "told-once", "recorded"),
        ("workflow_run", "told-once", "duplicate"),
    ]
    assert "phaseline_github_answers" not in text  # GitHub is not asked here


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as running:
        yield running


@pytest.fixture(scope="module")
async def trusting(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server without an environments file, which believes the ID tokens of one repository."""
    folder = tmp_path_factory.mktemp("trusting")
    (folder / "trust.toml").write_text(trust_file(issuer, {"environments": ["production"]}))
    settings = {"trust_file": str(folder / "trust.toml"), "github_webhook_secret": SECRET}
    async with serving(folder / "phaseline.db", **settings) as running:
        yield running


async def test_a_run_that_has_proven_itself_is_its_repositorys_though_no_file_names_the_environment(
    trusting: Server, issuer: Issuer
) -> None:
    async with Caller(trusting.url) as caller:
        deploy_id, run_id = await start(trusting.database), str(next(_ids))
        token = issuer.token(run_id=run_id, run_attempt="1")
        callback = f'applyCallback(input: {{deployId: "{deploy_id}", status: "building"}}) {{ duplicate }}'
        said = await over_http(trusting.url, token, f"mutation {{ {callback} }}")
        assert "errors" not in said.payload, said
        other = await deliver(trusting.url, of_run(run_id, "success", repository="octo-org/other"))
        assert other["answer"] == "ignored"
        # A token that was given out may name a run; one that has proven itself stays the deploy's.
        named = str(next(_ids))
        assert (await caller.report(deploy_id, "deploying", runId=named)).status == 200
        assert (await deliver(trusting.url, of_run(named, "success")))["answer"] == "ignored"
        assert (await deliver(trusting.url, of_run(run_id, "failure")))["answer"] == "recorded"
        assert (await caller.deploy(deploy_id))["status"]["key"] == "failed"


async def test_a_run_that_has_proven_itself_is_not_displaced_by_one_that_is_named_in_the_environments_repository(
    issuer: Issuer, files: dict[str, str], tmp_path: Path, database: Path
) -> None:
    trust = tmp_path / "trust.toml"
    trust.write_text(trust_file(issuer, {"environments": ["production"]}))
    async with serving(database, **files, trust_file=str(trust)) as server, Caller(server.url) as caller:
        deploy_id, run_id, named = await start(database), str(next(_ids)), str(next(_ids))
        callback = f'applyCallback(input: {{deployId: "{deploy_id}", status: "building"}}) {{ duplicate }}'
        token = issuer.token(run_id=run_id, run_attempt="1")
        assert "errors" not in (await over_http(server.url, token, f"mutation {{ {callback} }}")).payload
        assert (await caller.report(deploy_id, "deploying", runId=named)).status == 200
        assert (await deliver(server.url, of_run(named, "success")))["answer"] == "ignored"
        assert (await deliver(server.url, of_run(run_id, "failure")))["answer"] == "recorded"


async def test_a_run_that_was_only_named_is_nobodys_where_no_file_says_whose_the_environment_is(
    trusting: Server,
) -> None:
    _, run_id = await _under_way(trusting)
    assert (await deliver(trusting.url, of_run(run_id, "success")))["answer"] == "ignored"
