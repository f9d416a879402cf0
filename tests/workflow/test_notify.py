"""The script of the action notify-deploy-status, against a server on a real socket."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import jwt
import pytest

from phaseline.demo.workspace import STAND_INS, stand_in
from phaseline.resources import find
from tests.support.issuer import Issuer

from .recorder import Answer, Recorder, Request, accepted, refused

SCRIPT = find(".github/actions/notify-deploy-status/notify.sh")

HOSTILE = "no\n::error::owned\r\n::set-output name=outcome::delivered\n##[error]owned\x1b[31m`$(touch owned)` 100%0A"


@dataclass(frozen=True)
class Told:
    """All that the script told, wherever it told it."""

    exit_code: int
    stdout: str
    stderr: str
    outputs: str
    summary: str

    @property
    def outcome(self) -> str:
        assert self.outputs.count("\n") == 1
        return self.outputs.removeprefix("outcome=").rstrip("\n")


Notify = Callable[..., Told]


@pytest.fixture(params=["real tools", "stand-ins"])
def notify(request: pytest.FixtureRequest, tmp_path: Path, recorder: Recorder) -> Notify:
    """Runs the script as a step of an action would, with these variables besides; None takes one away."""
    path = os.environ["PATH"]
    if request.param == "stand-ins":
        tools = tmp_path / "stand-ins"
        tools.mkdir()
        for command in STAND_INS:
            stand_in(command, tools)
        path = f"{tools}{os.pathsep}{path}"
    elif any(shutil.which(command) is None for command in STAND_INS):
        pytest.skip("this machine has no curl or no jq")
    outputs, summary = tmp_path / "outputs", tmp_path / "summary"

    def run(**variables: str | None) -> Told:
        for file in (outputs, summary):
            file.write_text("")
        environment = {
            "PATH": path,
            "LANG": "C.UTF-8",
            "RUNNER_TEMP": str(tmp_path),
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(outputs),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": "acme/console",
            "GITHUB_RUN_ID": "9988",
            "GITHUB_RUN_ATTEMPT": "3",
            "PHASELINE_DEPLOY_ID": "d-1",
            "PHASELINE_STATUS": "smoke_running",
            "PHASELINE_URL": recorder.url,
            **variables,
        }
        finished = subprocess.run(
            [shutil.which("bash") or "bash", str(SCRIPT)],
            env={name: value for name, value in environment.items() if value is not None},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=tmp_path,
            timeout=30,
            check=False,
        )
        assert not list(tmp_path.glob("phaseline.*")), "the script leaves nothing behind"
        return Told(
            finished.returncode,
            finished.stdout.decode(),
            finished.stderr.decode(),
            outputs.read_text(),
            summary.read_text(),
        )

    return run


def test_a_report_says_which_deploy_status_attempt_and_run_it_is_of(notify: Notify, recorder: Recorder) -> None:
    told = notify(PHASELINE_MESSAGE="all well", PHASELINE_TOKEN="t0ken")
    assert (told.exit_code, told.outcome) == (0, "delivered")
    [request] = recorder.requests
    assert request.path == "/graphql"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == "Bearer t0ken"
    assert request.input == {
        "deployId": "d-1",
        "status": "smoke_running",
        "attempt": 3,
        "runId": "9988",
        "runUrl": "https://github.example/acme/console/actions/runs/9988/attempts/3",
        "message": "all well",
    }
    assert "applyCallback(input: $input)" in request.body["query"]


def test_a_delivered_report_is_told_in_the_log_and_nowhere_else(notify: Notify, recorder: Recorder) -> None:
    recorder.script = [accepted(7)]
    told = notify()
    assert told == Told(0, "smoke_running: delivered (entry 7)\n", "", "outcome=delivered\n", "")


def test_a_repeat_is_a_duplicate_and_no_cause_for_a_warning(notify: Notify, recorder: Recorder) -> None:
    recorder.script = [accepted(4, duplicate=True)]
    told = notify()
    assert told == Told(0, "smoke_running: duplicate (entry 4)\n", "", "outcome=duplicate\n", "")


@pytest.mark.parametrize("deploy_id", [None, "", "  \n"])
def test_without_a_deploy_id_nothing_is_sent_and_nothing_is_said(
    notify: Notify, recorder: Recorder, deploy_id: str | None
) -> None:
    assert notify(PHASELINE_DEPLOY_ID=deploy_id) == Told(0, "", "", "outcome=skipped\n", "")
    assert recorder.requests == []


def test_a_refusal_is_told_loudly_and_is_not_sent_again(notify: Notify, recorder: Recorder) -> None:
    recorder.answer = lambda request: refused("ILLEGAL_TRANSITION", "failed cannot move to building")
    told = notify()
    assert (told.exit_code, told.outcome) == (0, "rejected")
    said = "smoke_running was not recorded by phaseline (rejected): ILLEGAL_TRANSITION failed cannot move to building"
    assert told.stdout == f"::warning title=Not recorded by phaseline::{said}\n"
    assert told.summary == f"- ⚠️ `{said}`\n"
    assert len(recorder.requests) == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (refused("DEPLOY_NOT_FOUND"), "rejected"),
        (refused("STALE_ATTEMPT", status=200), "rejected"),
        (refused("TOO_LARGE", status=413), "rejected"),
        (Answer(400, {"errors": [{"message": "Unknown field"}]}), "rejected"),
        (Answer(200, {"errors": ["not even an object"]}), "rejected"),
        (refused("UNAUTHENTICATED", status=401), "unauthorized"),
        (refused("FORBIDDEN", status=403), "unauthorized"),
        (refused("UNAUTHENTICATED", status=200), "unauthorized"),
        (Answer(401, b"<html>log in</html>"), "unauthorized"),
        (Answer(403, {"errors": [{"message": "a proxy of your own"}]}), "unauthorized"),
        (refused("UNAVAILABLE", status=200), "unreachable"),
        (Answer(500, {"errors": [{"message": "oops"}]}), "unreachable"),
        (Answer(429, {"errors": [{"message": "slowly"}]}), "unreachable"),
        (refused("UNAVAILABLE", status=503), "unreachable"),
        (refused("RATE_LIMITED", status=429), "unreachable"),
        (Answer(502, b"Bad gateway"), "unreachable"),
        (Answer(404, b"Not found"), "unreachable"),
        (Answer(301, b"", {"Location": "https://elsewhere.example/"}), "unreachable"),
        (Answer(200, b"<html>log in</html>"), "unreachable"),
        (Answer(200, b""), "unreachable"),
        (Answer(200, b"[]"), "unreachable"),
        (Answer(200, {"data": None}), "unreachable"),
        (Answer(200, {"data": {"applyCallback": {"entry": {"sequence": "1\nx"}}}}), "unreachable"),
    ],
    ids=repr,
)
def test_every_answer_has_its_outcome_and_none_fails_the_step(
    notify: Notify, recorder: Recorder, answer: Answer, outcome: str
) -> None:
    recorder.answer = lambda request: answer
    told = notify(PHASELINE_RETRIES="0")
    assert (told.exit_code, told.outcome) == (0, outcome)
    assert told.stdout.startswith("::warning ")
    assert outcome in told.summary


def test_a_server_that_is_away_is_told_and_does_not_fail_the_step(notify: Notify, nobody: str) -> None:
    told = notify(PHASELINE_URL=nobody, PHASELINE_RETRIES="0")
    assert (told.exit_code, told.outcome) == (0, "unreachable")
    assert "(unreachable): curl: (7) " in told.summary


@pytest.mark.parametrize(
    "trouble",
    [Answer(503), Answer(429), Answer(hang_up=True)],
    ids=["503", "429", "hang-up"],
)
def test_what_did_not_get_through_is_sent_again(notify: Notify, recorder: Recorder, trouble: Answer) -> None:
    recorder.script = [trouble, accepted(5)]
    assert notify().stdout == "smoke_running: delivered (entry 5)\n"
    first, second = recorder.requests
    assert first.body == second.body


@pytest.mark.takes_seconds
@pytest.mark.parametrize(
    "trouble",
    [Answer(429), refused("UNAVAILABLE", status=503), refused("SERVER_STOPPING", status=503)],
    ids=["429", "UNAVAILABLE", "SERVER_STOPPING"],
)
def test_the_server_says_when_to_come_again(notify: Notify, recorder: Recorder, trouble: Answer) -> None:
    recorder.script = [replace(trouble, headers={"Retry-After": "2"})]
    assert notify().outcome == "delivered"
    first, second = recorder.requests
    assert second.at - first.at >= 2


def test_trouble_without_an_end_is_given_up_after_the_retries(notify: Notify, recorder: Recorder) -> None:
    recorder.answer = lambda request: Answer(503)
    assert notify(PHASELINE_RETRIES="1").outcome == "unreachable"
    assert len(recorder.requests) == 2


def test_nothing_a_server_says_becomes_a_command_of_the_runner(
    notify: Notify, recorder: Recorder, tmp_path: Path
) -> None:
    recorder.answer = lambda request: refused(HOSTILE, HOSTILE + "x" * 1000)
    told = notify()
    assert told.outcome == "rejected"
    [line] = told.stdout.splitlines()
    assert line.startswith("::warning title=Not recorded by phaseline::smoke_running was not recorded")
    assert "::" not in line.removeprefix("::warning title=Not recorded by phaseline::")
    assert "##[" not in line
    assert len(line) < 500
    assert "\x1b" not in line
    assert "100%250A" in line
    assert told.stderr == ""
    assert told.summary.count("\n") == 1
    assert told.summary.count("`") == 2
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("text", ["####[error]owned", "#####[error]owned", ":::error::owned", "##vso[task.complete]"])
def test_no_command_of_a_runner_is_put_together_by_taking_one_apart(
    notify: Notify, recorder: Recorder, text: str
) -> None:
    recorder.answer = lambda request: refused("UNKNOWN_STATUS", text)
    for variables in ({}, {"GITHUB_ACTIONS": None}):
        told = notify(**variables)
        said = (told.stdout + told.stderr).removeprefix("::warning title=Not recorded by phaseline::")
        assert "##" not in said
        assert "::" not in said


def test_a_hostile_page_in_phaselines_place_is_not_printed_at_all(notify: Notify, recorder: Recorder) -> None:
    recorder.answer = lambda request: Answer(200, HOSTILE.encode())
    told = notify()
    assert told.outcome == "unreachable"
    assert "owned" not in told.stdout + told.stderr + told.summary


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (
            """it's "quoted" \\ `tick` $(touch owned) ${HOME} %s""",
            """it's "quoted" \\ `tick` $(touch owned) ${HOME} %s""",
        ),
        ("one\n\n two\r\n\tthree\x07\x1b[31m", "one two three [31m"),
        ("  around  ", "around"),
        ("déployé 🚀 完了", "déployé 🚀 完了"),
        ("🚀" * 501, "🚀" * 500),
        ("é" * 499 + " x", "é" * 499),
        ('{"a": 1}', '{"a": 1}'),
        ("-n", "-n"),
    ],
)
def test_a_message_arrives_as_one_line_of_at_most_500_characters(
    notify: Notify, recorder: Recorder, tmp_path: Path, given: str, sent: str
) -> None:
    assert notify(PHASELINE_MESSAGE=given).outcome == "delivered"
    assert recorder.requests[0].input["message"] == sent
    assert not (tmp_path / "owned").exists()


def test_outside_github_the_script_needs_none_of_its_variables(notify: Notify, recorder: Recorder) -> None:
    told = notify(
        **dict.fromkeys(("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "RUNNER_TEMP", "LANG", "GITHUB_ACTIONS")),
        **dict.fromkeys(("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT")),
    )
    assert told == Told(0, "smoke_running: delivered (entry 2)\n", "", "", "")
    assert recorder.requests[0].input == {"deployId": "d-1", "status": "smoke_running", "attempt": 1}


def test_outside_github_a_warning_is_plain_text(notify: Notify, recorder: Recorder) -> None:
    recorder.script = [refused("UNKNOWN_STATUS")]
    told = notify(GITHUB_ACTIONS=None)
    assert told.stdout == "smoke_running: rejected\n"
    assert told.stderr == "warning: smoke_running was not recorded by phaseline (rejected): UNKNOWN_STATUS No.\n"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (accepted(), "delivered"),
        (accepted(duplicate=True), "duplicate"),
        (refused("UNKNOWN_STATUS"), "rejected"),
        (refused("FORBIDDEN", status=403), "unauthorized"),
        (Answer(503), "unreachable"),
    ],
    ids=["delivered", "duplicate", "rejected", "unauthorized", "unreachable"],
)
def test_outside_github_the_last_line_says_the_outcome_and_a_file_does_where_one_is_named(
    notify: Notify, recorder: Recorder, tmp_path: Path, answer: Answer, outcome: str
) -> None:
    recorder.answer = lambda request: answer
    file = tmp_path / "outcome"
    told = notify(GITHUB_ACTIONS=None, GITHUB_OUTPUT=None, PHASELINE_OUTCOME_FILE=str(file), PHASELINE_RETRIES="0")
    [line] = told.stdout.splitlines()
    assert line.split(" (")[0] == f"smoke_running: {outcome}"
    assert file.read_text() == f"{outcome}\n"
    assert told.exit_code == 0


def test_where_nothing_was_to_be_sent_the_file_says_skipped(notify: Notify, tmp_path: Path) -> None:
    file = tmp_path / "outcome"
    told = notify(GITHUB_ACTIONS=None, PHASELINE_DEPLOY_ID="", PHASELINE_OUTCOME_FILE=str(file))
    assert (told.stdout, told.stderr, file.read_text()) == ("", "", "skipped\n")


def test_another_ci_system_says_itself_what_run_it_is(notify: Notify, recorder: Recorder) -> None:
    notify(PHASELINE_ATTEMPT="2", PHASELINE_RUN_ID="77", PHASELINE_RUN_URL="https://ci.example/77")
    sent = recorder.requests[0].input
    assert (sent["attempt"], sent["runId"], sent["runUrl"]) == (2, "77", "https://ci.example/77")


@pytest.mark.parametrize("url", [None, "", "phaseline.example", "file:///etc/passwd", "-o/tmp/x", "http://"])
def test_an_address_that_is_none_is_told_and_not_tried(notify: Notify, recorder: Recorder, url: str | None) -> None:
    told = notify(PHASELINE_URL=url)
    assert (told.exit_code, told.outcome) == (0, "unreachable")
    assert "address" in told.summary
    assert recorder.requests == []


@pytest.mark.parametrize(
    "host",
    [
        "phaseline.example",
        "10.0.0.7:8000",
        "localhost.example",
        "127.0.0.1.example",
        "localhost@phaseline.example",
        "127.0.0.1:8000@phaseline.example",
        "[::1]@phaseline.example",
        "127.0.0.1\\@phaseline.example",
        "[2001:db8::1]",
        "0.0.0.0",
    ],
)
def test_no_token_goes_to_another_machine_over_http(notify: Notify, issuer: Issuer, host: str) -> None:
    for proof in ({"PHASELINE_TOKEN": "t0ken"}, issuer.variables()):
        told = notify(PHASELINE_URL=f"http://{host}", PHASELINE_RETRIES="0", **proof)
        assert (told.exit_code, told.outcome) == (0, "unreachable")
        assert "the server address must start with https://" in told.summary
    assert issuer.given == []


@pytest.mark.parametrize("address", ["http://localhost", "http://127.0.0.2", "http://[::1]"])
def test_this_machine_itself_is_asked_over_http(notify: Notify, nobody: str, address: str) -> None:
    port = nobody.rpartition(":")[2]
    told = notify(PHASELINE_URL=f"{address}:{port}/deploys", PHASELINE_RETRIES="0")
    assert told.outcome == "unreachable"
    assert "curl: (7) " in told.summary


@pytest.mark.parametrize(
    ("allowed", "outcome"), [("true", "delivered"), ("false", "unreachable"), ("1", "unreachable"), ("", "unreachable")]
)
def test_whoever_answers_for_the_network_may_allow_http(
    notify: Notify, recorder: Recorder, allowed: str, outcome: str
) -> None:
    """The address names a user, so that the script does not take it for one of this machine."""
    address = recorder.url.replace("http://", "http://somebody@")
    assert notify(PHASELINE_URL=address, PHASELINE_ALLOW_HTTP=allowed, PHASELINE_TOKEN="t0ken").outcome == outcome
    sent = [request.headers["authorization"] for request in recorder.requests]
    assert sent == (["Bearer t0ken"] if outcome == "delivered" else [])


def test_a_slash_or_newline_at_the_end_of_the_address_does_no_harm(notify: Notify, recorder: Recorder) -> None:
    assert notify(PHASELINE_URL=f"{recorder.url}/deploys//\n").outcome == "delivered"
    assert recorder.requests[0].path == "/deploys/graphql"


def test_a_newline_in_the_token_cannot_add_a_header(notify: Notify, recorder: Recorder) -> None:
    notify(PHASELINE_TOKEN="t0ken\nX-Evil: yes\n")
    headers = recorder.requests[0].headers
    assert headers["authorization"] == "Bearer t0kenX-Evil:yes"
    assert "x-evil" not in headers


def test_without_a_token_there_is_no_authorization(notify: Notify, recorder: Recorder) -> None:
    notify()
    assert "authorization" not in recorder.requests[0].headers


def _command_lines() -> Iterator[bytes]:
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield process.read_bytes()
        except OSError:
            continue  # it has ended


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the command lines in /proc")
def test_no_command_line_shows_the_token(notify: Notify, recorder: Recorder) -> None:
    command_lines: list[bytes] = []

    def look_around(request: Request) -> Answer:
        command_lines.extend(_command_lines())
        return accepted()

    recorder.answer = look_around
    assert notify(PHASELINE_TOKEN="s3cret-t0ken").outcome == "delivered"
    sending = [line for line in command_lines if recorder.url.encode() in line]
    assert sending, "the process that sends was not seen"
    assert not [line for line in command_lines if b"s3cret-t0ken" in line]


@pytest.mark.parametrize(
    ("fail_on", "exit_code"),
    [("rejected", 1), ("unauthorized  rejected", 1), ("unreachable", 0), ("", 0), ("rejekted", 2)],
)
def test_a_team_may_choose_which_outcomes_fail_the_step(
    notify: Notify, recorder: Recorder, fail_on: str, exit_code: int
) -> None:
    recorder.script = [refused("UNKNOWN_STATUS")]
    told = notify(PHASELINE_FAIL_ON=fail_on)
    assert (told.exit_code, told.outcome) == (exit_code, "rejected")


def test_a_misspelt_outcome_in_fail_on_is_told_even_when_all_is_well(notify: Notify, recorder: Recorder) -> None:
    told = notify(PHASELINE_FAIL_ON="rejekted")
    assert (told.exit_code, told.outcome) == (2, "delivered")
    assert "rejekted is none of" in told.stderr


def test_a_job_that_may_have_an_id_token_sends_a_new_one_with_each_report(
    notify: Notify, recorder: Recorder, issuer: Issuer
) -> None:
    for _ in range(2):
        told = notify(**issuer.variables())
        assert told.outcome == "delivered"
        assert told.stdout.splitlines()[0] == f"::add-mask::{issuer.given[-1]}"
        assert issuer.given[-1] not in "".join([*told.stdout.splitlines()[1:], told.stderr, told.summary, told.outputs])
    sent = [request.headers["authorization"] for request in recorder.requests]
    assert sent == [f"Bearer {token}" for token in issuer.given]
    assert len(set(sent)) == 2


@pytest.mark.parametrize(
    ("chosen", "asked"),
    [
        ({}, "{url}"),
        ({"PHASELINE_URL": "{url}//\n"}, "{url}"),
        ({"PHASELINE_AUDIENCE": "ours & yours=é"}, "ours & yours=é"),
    ],
    ids=str,
)
def test_the_id_token_is_asked_for_this_server(
    notify: Notify, recorder: Recorder, issuer: Issuer, chosen: dict[str, str], asked: str
) -> None:
    given = {name: value.format(url=recorder.url) for name, value in chosen.items()}
    assert notify(**issuer.variables(), **given).outcome == "delivered"
    [token] = issuer.given
    assert jwt.decode(token, options={"verify_signature": False})["aud"] == asked.format(url=recorder.url)


def test_a_token_that_is_given_is_sent_and_no_other_is_asked_for(
    notify: Notify, recorder: Recorder, issuer: Issuer
) -> None:
    assert notify(**issuer.variables(), PHASELINE_TOKEN="t0ken").outcome == "delivered"
    assert recorder.requests[0].headers["authorization"] == "Bearer t0ken"
    assert issuer.given == []


def test_where_the_job_may_have_none_the_summary_says_what_to_add(notify: Notify, recorder: Recorder) -> None:
    recorder.answer = lambda request: refused("UNAUTHENTICATED", "this needs a token; none was given", status=401)
    told = notify()
    assert told.outcome == "unauthorized"
    assert "authorization" not in recorder.requests[0].headers
    assert "add 'permissions: {contents: read, id-token: write}' to this job" in told.summary
    assert "HTTP 401 UNAUTHENTICATED" in told.summary


def test_a_server_that_asks_for_no_token_still_needs_none(notify: Notify, issuer: Issuer) -> None:
    assert notify().outcome == "delivered"
    issuer.away = True
    assert notify(**issuer.variables(), PHASELINE_RETRIES="0").outcome == "delivered"


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        ({"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "another job's"}, "GitHub gave no ID token: HTTP 401"),
        ({"ACTIONS_ID_TOKEN_REQUEST_URL": "{issuer}/elsewhere?api-version=2.0"}, "GitHub gave no ID token: HTTP 404"),
    ],
    ids=["401", "404"],
)
def test_where_github_gives_none_the_summary_says_so(
    notify: Notify, recorder: Recorder, issuer: Issuer, trouble: dict[str, str], why: str
) -> None:
    recorder.answer = lambda request: refused("UNAUTHENTICATED", "this needs a token; none was given", status=401)
    given = {name: value.format(issuer=issuer.url) for name, value in trouble.items()}
    told = notify(**{**issuer.variables(), **given}, PHASELINE_RETRIES="0")
    assert told.outcome == "unauthorized"
    assert why in told.summary
    assert "permissions" not in told.summary


@pytest.mark.parametrize(
    ("trouble", "why"),
    [(Answer(503), "HTTP 503"), (Answer(429), "HTTP 429"), (Answer(hang_up=True), "curl: ("), (None, "curl: (7)")],
    ids=["503", "429", "hang-up", "away"],
)
def test_a_github_that_does_not_answer_is_no_fault_of_the_jobs(
    notify: Notify, recorder: Recorder, github: Recorder, nobody: str, trouble: Answer | None, why: str
) -> None:
    recorder.answer = lambda request: refused("UNAUTHENTICATED", "this needs a token; none was given", status=401)
    github.answer = lambda request: trouble or Answer()
    told = notify(
        ACTIONS_ID_TOKEN_REQUEST_URL=f"{github.url if trouble else nobody}/token?api-version=2.0",
        ACTIONS_ID_TOKEN_REQUEST_TOKEN="what a job asks with",
        PHASELINE_FAIL_ON="unauthorized",
        PHASELINE_RETRIES="0",
    )
    assert (told.exit_code, told.outcome) == (0, "unreachable")
    assert f"GitHub gave no ID token: {why}" in told.summary
    assert "HTTP 401 UNAUTHENTICATED" in told.summary
    assert "authorization" not in recorder.requests[0].headers


def test_what_else_refuses_a_report_is_told_though_github_does_not_answer(
    notify: Notify, recorder: Recorder, issuer: Issuer
) -> None:
    issuer.away = True
    recorder.answer = lambda request: refused("FORBIDDEN", status=403)
    assert notify(**issuer.variables(), PHASELINE_RETRIES="0").outcome == "unauthorized"


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_the_token_says_which_claim_was_wrong(
    notify: Notify, recorder: Recorder, issuer: Issuer, status: int
) -> None:
    why = {"message": "the ID token's aud is https://other", "extensions": {"code": "FORBIDDEN", "claim": "aud"}}
    recorder.answer = lambda request: Answer(status, {"errors": [why]})
    told = notify(**issuer.variables())
    assert told.outcome == "unauthorized"
    assert f"HTTP {status} FORBIDDEN, claim aud: the ID token's aud is https://other" in told.summary
    assert "permissions" not in told.summary


def test_a_hostile_claim_is_made_harmless(notify: Notify, recorder: Recorder) -> None:
    why = {"message": HOSTILE, "extensions": {"code": HOSTILE, "claim": HOSTILE}}
    recorder.answer = lambda request: Answer(403, {"errors": [why]})
    told = notify()
    [line] = told.stdout.splitlines()
    assert "::" not in line.removeprefix("::warning title=Not recorded by phaseline::")
    assert "##[" not in line
    assert told.summary.count("`") == 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the command lines in /proc")
def test_no_command_line_shows_an_id_token_or_what_it_is_asked_for_with(
    notify: Notify, recorder: Recorder, issuer: Issuer
) -> None:
    command_lines: list[bytes] = []
    issuer.on_request = lambda: command_lines.extend(_command_lines())

    def look_around(request: Request) -> Answer:
        command_lines.extend(_command_lines())
        return accepted()

    recorder.answer = look_around
    assert notify(**issuer.variables()).outcome == "delivered"
    assert [line for line in command_lines if b"api-version=2.0" in line], "the process that asks was not seen"
    secrets = [issuer.request_token.encode(), issuer.given[0].encode()]
    assert not [line for line in command_lines if any(secret in line for secret in secrets)]


def attempts(recorder: Recorder) -> list[int]:
    return [request.input["attempt"] for request in recorder.requests]


@pytest.mark.parametrize("outcome", ["FAILED", "CANCELLED"])
def test_the_first_report_of_a_job_begins_the_next_attempt_of_a_deploy_that_has_ended_since(
    notify: Notify, recorder: Recorder, tmp_path: Path, outcome: str
) -> None:
    recorder.script = [accepted(2, duplicate=True, attempt=4, outcome=outcome), accepted(9, attempt=5)]
    file = tmp_path / "attempt"
    told = notify(PHASELINE_NEXT_ATTEMPT="true", PHASELINE_ATTEMPT_FILE=str(file))
    assert (told.outcome, told.stdout) == ("delivered", "smoke_running: delivered (entry 9)\n")
    assert attempts(recorder) == [3, 5]
    assert recorder.requests[0].input["runId"] == recorder.requests[1].input["runId"]
    assert file.read_text() == "5\n"
    notify(PHASELINE_STATUS="smoke_passed", PHASELINE_ATTEMPT="1", PHASELINE_ATTEMPT_FILE=str(file))
    assert attempts(recorder) == [3, 5, 5]


def test_where_the_graph_leads_on_for_a_higher_attempt_alone_the_next_one_begins(
    notify: Notify, recorder: Recorder
) -> None:
    recorder.script = [refused("ILLEGAL_TRANSITION", attempt=3), accepted(9, attempt=4)]
    told = notify(PHASELINE_NEXT_ATTEMPT="true")
    assert (told.outcome, attempts(recorder), told.summary) == ("delivered", [3, 4], "")


@pytest.mark.parametrize(
    ("script", "sent"),
    [
        ([refused("STALE_ATTEMPT", attempt=4), accepted(9, attempt=4)], [3, 4]),
        (
            [refused("STALE_ATTEMPT", attempt=4), refused("ILLEGAL_TRANSITION", attempt=4), accepted(9, attempt=5)],
            [3, 4, 5],
        ),
        (
            [refused("STALE_ATTEMPT", attempt=4), accepted(2, duplicate=True, attempt=4, outcome="FAILED"), accepted()],
            [3, 4, 5],
        ),
    ],
    ids=["goes on", "has ended", "has ended after this report"],
)
def test_a_job_that_has_missed_an_attempt_finds_the_one_that_the_deploy_is_in(
    notify: Notify, recorder: Recorder, tmp_path: Path, script: list[Answer], sent: list[int]
) -> None:
    """The report that began it was lost, so that the number which was handed on is the one before."""
    recorder.script = [*script]
    file = tmp_path / "attempt"
    told = notify(PHASELINE_NEXT_ATTEMPT="true", PHASELINE_ATTEMPT_FILE=str(file))
    assert (told.outcome, attempts(recorder), file.read_text()) == ("delivered", sent, f"{sent[-1]}\n")


def test_no_more_than_two_attempts_are_tried(notify: Notify, recorder: Recorder) -> None:
    recorder.script = [refused("STALE_ATTEMPT", attempt=number) for number in (4, 5, 6, 7)]
    assert notify(PHASELINE_NEXT_ATTEMPT="true").outcome == "rejected"
    assert attempts(recorder) == [3, 4, 5]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (accepted(attempt=3), "delivered"),
        (accepted(attempt=3, outcome="FAILED"), "delivered"),
        (accepted(duplicate=True, attempt=3), "duplicate"),
        (accepted(duplicate=True, attempt=3, outcome="SUCCEEDED"), "duplicate"),
        (accepted(duplicate=True, outcome="NOT_ONE_OF_TODAYS"), "duplicate"),
        (Answer(200, {"data": {"applyCallback": {"duplicate": True, "entry": {"sequence": 2}}}}), "duplicate"),
        (refused("ILLEGAL_TRANSITION", attempt=4), "rejected"),
        (refused("ILLEGAL_TRANSITION", attempt="3 "), "rejected"),
        (refused("ILLEGAL_TRANSITION"), "rejected"),
        (refused("STALE_ATTEMPT", attempt=3), "rejected"),
        (refused("DEPLOY_NOT_FOUND"), "rejected"),
        (refused("UNAUTHENTICATED", status=401), "unauthorized"),
        (Answer(503), "unreachable"),
    ],
    ids=repr,
)
def test_no_attempt_begins_without_a_cause(
    notify: Notify, recorder: Recorder, tmp_path: Path, answer: Answer, outcome: str
) -> None:
    recorder.answer = lambda request: answer
    file = tmp_path / "attempt"
    told = notify(PHASELINE_NEXT_ATTEMPT="true", PHASELINE_ATTEMPT_FILE=str(file), PHASELINE_RETRIES="0")
    assert (told.exit_code, told.outcome) == (0, outcome)
    assert (attempts(recorder), file.read_text()) == ([3], "3\n")


@pytest.mark.parametrize(
    "answer", [accepted(duplicate=True, attempt=3, outcome="FAILED"), refused("ILLEGAL_TRANSITION", attempt=3)]
)
def test_only_a_report_that_says_so_begins_one(
    notify: Notify, recorder: Recorder, tmp_path: Path, answer: Answer
) -> None:
    recorder.answer = lambda request: answer
    notify(PHASELINE_ATTEMPT_FILE=str(tmp_path / "attempt"))
    assert attempts(recorder) == [3]
    assert not (tmp_path / "attempt").exists()


@pytest.mark.parametrize(
    ("second", "outcome", "kept"),
    [(refused("STALE_ATTEMPT"), "rejected", "3\n"), (Answer(503), "unreachable", "4\n")],
    ids=["refused", "no answer"],
)
def test_a_next_attempt_counts_unless_it_is_refused(
    notify: Notify, recorder: Recorder, tmp_path: Path, second: Answer, outcome: str, kept: str
) -> None:
    recorder.script = [refused("ILLEGAL_TRANSITION", attempt=3)]
    recorder.answer = lambda request: second
    file = tmp_path / "attempt"
    told = notify(PHASELINE_NEXT_ATTEMPT="true", PHASELINE_ATTEMPT_FILE=str(file), PHASELINE_RETRIES="0")
    assert (told.outcome, attempts(recorder), file.read_text()) == (outcome, [3, 4], kept)


@pytest.mark.parametrize("content", ["", "\n", "two\n", "-1\n", "1 2\n"])
def test_a_file_without_a_number_in_it_says_nothing_of_the_attempt(
    notify: Notify, recorder: Recorder, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "attempt"
    file.write_text(content)
    notify(PHASELINE_ATTEMPT_FILE=str(file))
    assert attempts(recorder) == [3]
