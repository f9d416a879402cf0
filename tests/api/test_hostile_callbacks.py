"""Every callback that comes from somebody else is refused, the refusal is in the log, and the deploy stays as it is."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest

from phaseline.callers import secret, tokens
from phaseline.callers.claims import PERMITTING, PROVING, UNCHECKED
from phaseline.store import Store
from phaseline_schema.rights import Role
from tests.api.hostile import OURS, ROWS, Row, Scene, Sent, bearer, forged
from tests.support import logins
from tests.support.caller import Answer, Caller
from tests.support.issuer import KEYS, OWNER_ID, REF, REPOSITORY, REPOSITORY_ID, RUN_ID, WORKFLOW, Issuer, trust_file
from tests.support.server import Server, serving

_REPORT = "mutation ($input: CallbackInput!) { applyCallback(input: $input) { duplicate entry { id } } }"
_SHARED = "octo-org/shared/.github/workflows/deploy-console.yml"
_SNEAKED = "this text must not come into the log"


class Stage:
    """The server that is attacked, and the issuer that it trusts."""

    def __init__(
        self, server: Server, caller: Caller, http: httpx.AsyncClient, issuer: Issuer, own: dict[str, str]
    ) -> None:
        self._http = http
        self.server = server
        self.caller = caller
        self.issuer = issuer
        self.scene = Scene(issuer, own, self.send)
        self.sent: list[str] = []

    async def send(self, deploy_id: str, sent: Sent, status: str = "building") -> Answer:
        """A callback; one that is refused must not bring its text into the log."""
        headers = {} if sent.authorization is None else {"authorization": sent.authorization.encode("latin-1")}
        self.sent += [said.removeprefix("Bearer ") for said in (sent.authorization or "", *sent.query.values())]
        given = {"deployId": deploy_id, "status": status, "message": _SNEAKED, **sent.input}
        response = await self._http.post(
            "/graphql",
            params=dict(sent.query),
            json={"query": _REPORT, "variables": {"input": given}},
            headers=headers,  # type: ignore[arg-type]
        )
        return Answer(response.status_code, response.json())


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("hostile")
    with Issuer() as issuer:
        (folder / "trust.toml").write_text(
            trust_file(
                issuer,
                {"environments": ["production"], "refs": [REF, "refs/tags/v*"]},
                {"environments": ["guarded"], "environment_claim": True},
                {
                    "environments": ["shared"],
                    "workflow": ".github/workflows/release.yml",
                    "called_workflow": f"{_SHARED}@refs/tags/v*",
                    "events": ["workflow_dispatch", "release"],
                },
                {"environments": ["elsewhere"], "repository": "octo-org/other", "repository_id": 77},
                {"environments": ["alone"], "repository_id": 78, "several_deploys": False},
            )
        )
        async with (
            serving(folder / "phaseline.db", trust_file=str(folder / "trust.toml")) as server,
            Caller(server.url) as caller,
            httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as http,
        ):
            stage = Stage(server, caller, http, issuer, await _own_tokens(server.database_url))
            yield stage
    _nothing_of_a_token_is_logged(stage)


async def _own_tokens(database_url: str) -> dict[str, str]:
    """Phaseline's own tokens by what they are. Those that are made here have a name of their own in the log."""
    store, ago = Store(database_url), timedelta(days=-1)
    made: list[tuple[str, list[str] | None, timedelta | None]] = [
        ("for-elsewhere", ["elsewhere"], None),
        ("that-expired", None, ago),
        ("that-was-revoked", None, None),
    ]
    try:
        async with store.writing() as connection:
            ours = {
                name: (await tokens.create(connection, name, Role.WORKFLOW, environments, lifetime))[1]
                for name, environments, lifetime in made
            }
            await tokens.revoke(connection, "that-was-revoked")
    finally:
        await store.close()
    return {**logins.TOKENS, **ours, "that-nobody-made": secret.new_token()}


def _nothing_of_a_token_is_logged(stage: Stage) -> None:
    """Neither a token nor one of its parts; the log is complete, because the server has ended."""
    logged = json.dumps(stage.server.log)
    parts = {part for sent in stage.sent for part in [sent, *sent.split(".")] if len(part) > 20}
    assert parts
    assert not [part for part in parts if part in logged]
    assert not [line for line in stage.server.log if "exception" in line or line.get("level") == "error"]


def _expected(issuer: Issuer) -> list[str]:
    """What is known to those alone who configured it."""
    return [issuer.audience, REPOSITORY, str(REPOSITORY_ID), str(OWNER_ID), WORKFLOW, REF, _SHARED, "workflow_dispatch"]


def _said(sent: Sent) -> str:
    try:
        said = jwt.decode_complete(
            (sent.authorization or "").removeprefix("Bearer "), options={"verify_signature": False}
        )
    except jwt.PyJWTError:
        return ""
    return json.dumps([said["header"], said["payload"]])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_a_hostile_callback_is_refused_and_recorded_and_moves_nothing(stage: Stage, row: Row) -> None:
    deploy = await stage.caller.start(row.environment)
    try:
        sent = await row.trick(stage.scene, deploy["id"])
        before = await stage.caller.deploy(deploy["id"])
        answer = await stage.send(deploy["id"], sent, "deploying")
    finally:
        stage.issuer.away = False
    assert (answer.status, answer.code, answer.error.get("claim")) == (row.status, row.code, row.claim)
    assert set(stage.issuer.asked_for) <= {KEYS}, "no token says where else its key is to be looked for"
    after, entry = await stage.caller.deploy(deploy["id"]), (await stage.caller.entries(deploy["id"]))[-1]
    assert (entry["kind"], entry["refusal"], entry["actor"]) == ("CALLBACK_REFUSED", row.code, row.actor)
    assert entry["sequence"] == before["sequence"] + 1
    assert after | {"sequence": 0} == before | {"sequence": 0}
    assert entry["message"] == answer.body["errors"][0]["message"]
    assert (entry["runId"], entry["runUrl"]) == (None, None)
    told, said = json.dumps([answer.body, entry["message"]]), _said(sent)
    assert not [value for value in [*_expected(stage.issuer), _SNEAKED] if value in told and value not in said]


@pytest.mark.parametrize(
    ("environment", "claims"),
    [
        ("production", {}),
        ("production", {"environment": "production"}),
        ("production", {"aud": ["https://other.example", "https://phaseline.example"]}),
        ("production", dict.fromkeys(("workflow_ref", "job_workflow_ref"), f"{REPOSITORY}/{WORKFLOW}@refs/tags/v1")),
        ("production", {"job_workflow_ref": f"{REPOSITORY}/{WORKFLOW}@0f1e2d3c4b5a69788796a5b4c3d2e1f001122334"}),
        ("production", {"sub": "whatever", "actor": "anybody", "repo_property_team": "of a later GitHub"}),
        ("guarded", {"environment": "guarded"}),
        (
            "shared",
            {
                "event_name": "release",
                "workflow_ref": f"{REPOSITORY}/.github/workflows/release.yml@{REF}",
                "job_workflow_ref": f"{_SHARED}@refs/tags/v7",
            },
        ),
    ],
    ids=str,
)
async def test_a_callback_of_the_right_run_is_accepted(stage: Stage, environment: str, claims: dict[str, Any]) -> None:
    deploy = await stage.caller.start(environment)
    answer = await stage.send(deploy["id"], bearer(stage.issuer.token(**claims)))
    assert answer.status == 200, answer
    entry = (await stage.caller.entries(deploy["id"]))[-1]
    assert (entry["kind"], entry["toStatus"], entry["actor"]) == ("TRANSITION", "building", OURS)


async def test_a_repository_that_was_renamed_is_the_same_under_its_new_name(stage: Stage) -> None:
    deploy = await stage.caller.start()
    assert (await stage.send(deploy["id"], bearer(stage.issuer.token(repository="octo-org/renamed")))).status == 200
    assert (await stage.caller.entries(deploy["id"]))[-1]["actor"] == "github:octo-org/renamed"


async def test_run_and_attempt_are_those_of_the_token_whatever_is_left_out(stage: Stage) -> None:
    deploy = await stage.caller.start()
    await stage.send(deploy["id"], bearer(stage.issuer.token()), "failed")
    again = stage.issuer.token(run_attempt="2")
    assert (await stage.send(deploy["id"], Sent(f"Bearer {again}", {"runId": RUN_ID, "attempt": 2}))).status == 200
    entry = (await stage.caller.entries(deploy["id"]))[-1]
    assert (entry["attempt"], entry["runId"]) == (2, RUN_ID)


async def test_the_runs_page_is_the_proven_runs_whatever_the_callback_says(stage: Stage) -> None:
    deploy = await stage.caller.start()
    elsewhere = Sent(f"Bearer {stage.issuer.token()}", {"runUrl": "https://evil.example/sign-in"})
    assert (await stage.send(deploy["id"], elsewhere)).status == 200
    page = f"{stage.issuer.url}/{REPOSITORY}/actions/runs/{RUN_ID}/attempts/1"
    assert (await stage.caller.entries(deploy["id"]))[-1]["runUrl"] == page
    assert (await stage.caller.deploy(deploy["id"]))["runUrl"] == page


async def test_a_run_that_nobody_has_proven_holds_no_deploy(stage: Stage) -> None:
    deploy = await stage.caller.start()
    assert (await stage.caller.report(deploy["id"], "building", runId="4711")).status == 200
    assert (await stage.send(deploy["id"], bearer(stage.issuer.token()), "failed")).status == 200


async def test_a_run_reports_for_one_deploy_where_it_is_not_trusted_with_several(stage: Stage) -> None:
    """Else the code that one run deploys could call another deploy healthy, whose run still waits."""

    def of_run(run_id: str) -> Sent:
        return bearer(stage.issuer.token(repository_id="78", run_id=run_id))

    mine, other = await stage.caller.start("alone"), await stage.caller.start("alone")
    assert (await stage.send(mine["id"], of_run("1"))).status == 200
    answer = await stage.send(other["id"], of_run("1"))
    assert (answer.status, answer.code, answer.error["claim"]) == (403, "FORBIDDEN", "run_id")
    assert [entry["refusal"] for entry in await stage.caller.entries(other["id"])] == [None, "FORBIDDEN"]
    for deploy, run in ((mine, "1"), (other, "2")):
        assert (await stage.send(deploy["id"], of_run(run), "failed")).status == 200


async def test_a_run_takes_no_deploy_by_a_callback_that_is_refused(stage: Stage) -> None:
    deploy = await stage.caller.start("alone")
    for run, status, code in (("3", "succeeded", "ILLEGAL_TRANSITION"), ("4", "building", None)):
        sent = bearer(stage.issuer.token(repository_id="78", run_id=run))
        assert (await stage.send(deploy["id"], sent, status)).code == code


@pytest.mark.parametrize(
    "sent",
    [
        lambda _: Sent(),
        lambda _: bearer("garbage"),
        lambda issuer: bearer(issuer.token(aud="https://other.example")),
        lambda issuer: bearer(issuer.token(repository="evil-corp/console", repository_id="666")),
    ],
    ids=["no token", "garbage", "another audience", "another repository"],
)
async def test_who_is_nobody_here_brings_no_word_of_its_own_into_the_log(
    stage: Stage, sent: Callable[[Issuer], Sent]
) -> None:
    """Not even as the status that it reports: anybody on the internet may send one."""
    deploy = await stage.caller.start()
    answer = await stage.send(deploy["id"], sent(stage.issuer), "visit-evil.example")
    assert answer.code in ("UNAUTHENTICATED", "FORBIDDEN")
    assert len(await stage.caller.entries(deploy["id"])) == 1


@pytest.mark.parametrize("claim", ["alg", "iss"])
async def test_what_nobody_has_signed_is_not_repeated(stage: Stage, claim: str) -> None:
    deploy, text = await stage.caller.start(), "visit evil.example"
    said = stage.issuer.saying(**({claim: text} if claim == "iss" else {}))
    header = {"alg": text if claim == "alg" else "RS256", "kid": stage.issuer.key_id}
    answer = await stage.send(deploy["id"], bearer(forged(header, said, lambda _: b"x")))
    assert (answer.status, answer.error["claim"]) == (401, claim)
    entry = (await stage.caller.entries(deploy["id"]))[-1]
    assert entry["refusal"] == "UNAUTHENTICATED"
    assert "evil" not in json.dumps([answer.body, entry])


async def test_a_deploys_log_is_not_buried_under_callbacks_that_their_senders_may_not_send(stage: Stage) -> None:
    deploy = await stage.caller.start()
    elsewhere, strange = bearer(stage.scene.tokens["for-elsewhere"]), {"event_name": "push"}
    for number in range(140):
        sent = elsewhere if number % 2 else bearer(stage.issuer.token(**strange))
        answer = await stage.send(deploy["id"], sent, f"odd-{number}")
        assert (answer.status, answer.code) == (403, "FORBIDDEN")
    assert len(await stage.caller.entries(deploy["id"])) == 1 + 60 + 60
    accepted = await stage.send(deploy["id"], bearer(stage.issuer.token()))
    assert accepted.status == 200
    # Off the graph, but of somebody who may report.
    assert (await stage.send(deploy["id"], bearer(stage.issuer.token()), "building")).data
    assert (await stage.send(deploy["id"], bearer(stage.issuer.token()), "succeeded")).code == "ILLEGAL_TRANSITION"
    assert [entry["toStatus"] for entry in (await stage.caller.entries(deploy["id"]))[-2:]] == ["building", "succeeded"]


async def test_a_key_that_is_known_serves_while_its_issuer_is_away(stage: Stage) -> None:
    deploy = await stage.caller.start()
    assert (await stage.send(deploy["id"], bearer(stage.issuer.token()))).status == 200
    stage.issuer.away = True
    try:
        assert (await stage.send(deploy["id"], bearer(stage.issuer.token()), "deploying")).status == 200
    finally:
        stage.issuer.away = False


async def test_a_new_key_is_found_without_a_restart_and_as_soon_as_its_issuer_is_back(stage: Stage) -> None:
    deploy = await stage.caller.start()
    stage.issuer.rotate()
    token = bearer(stage.issuer.token())
    stage.issuer.away = True
    try:
        assert (await stage.send(deploy["id"], token)).status == 503
    finally:
        stage.issuer.away = False
    assert (await stage.send(deploy["id"], token)).status == 200


async def test_however_many_made_up_keys_are_named_the_issuer_is_asked_every_two_seconds_at_most(stage: Stage) -> None:
    deploy = await stage.caller.start()
    before, began = stage.issuer.asked, time.monotonic()
    made_up = [stage.issuer.signed(stage.issuer.saying(), kid=f"made-up-{number}") for number in range(50)]
    answers = await asyncio.gather(*(stage.send(deploy["id"], bearer(token)) for token in made_up))
    assert {answer.error.get("claim") for answer in answers} == {"kid"}
    assert stage.issuer.asked - before <= 2 + (time.monotonic() - began) / 2


async def test_the_same_token_with_the_same_callback_is_given_the_same_answer(stage: Stage) -> None:
    deploy, token = await stage.caller.start(), bearer(stage.issuer.token())
    first, again = [await stage.send(deploy["id"], token) for _ in range(2)]
    assert first.data["applyCallback"]["duplicate"] is False
    assert again.data["applyCallback"] == first.data["applyCallback"] | {"duplicate": True}


async def test_the_same_token_with_the_same_refused_callback_is_given_the_same_refusal(stage: Stage) -> None:
    """Though by now the deploy is where it would be legal."""
    deploy, token = await stage.caller.start(), bearer(stage.issuer.token())
    first = await stage.send(deploy["id"], token, "succeeded")
    assert first.code == "ILLEGAL_TRANSITION"
    for status in ("building", "deploying"):
        await stage.send(deploy["id"], bearer(stage.issuer.token()), status)
    assert await stage.send(deploy["id"], token, "succeeded") == first
    assert (await stage.caller.deploy(deploy["id"]))["status"]["key"] == "deploying"


def test_every_claim_of_githubs_is_looked_at_or_it_is_said_why_not() -> None:
    checked = PROVING.keys() | PERMITTING.keys()
    assert not checked & UNCHECKED.keys()
    with Issuer() as issuer:
        assert issuer.saying(environment="production").keys() <= checked | UNCHECKED.keys()
