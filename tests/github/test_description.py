"""Our GitHub is held to GitHub's own description of itself, and that can fail."""

import base64
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.github import FakeGitHub
from tests.support.github.access import TOKEN
from tests.support.github.description import Description, NotDescribed, describe
from tests.support.github.fake import REPOSITORY, Disagreement
from tests.support.github.faults import Answer, Fault
from tests.support.github.least import least
from tests.tools import github as published

_R = "/repos/{owner}/{repo}"
DISPATCH = f"POST {_R}/actions/workflows/{{workflow_id}}/dispatches"
RUN = f"GET {_R}/actions/runs/{{run_id}}"
JOBS = f"GET {_R}/actions/runs/{{run_id}}/attempts/{{attempt_number}}/jobs"
RUNS = f"GET {_R}/actions/workflows/{{workflow_id}}/runs"


@pytest.fixture(scope="module")
def description() -> Description:
    return describe()


@pytest.mark.parametrize(
    ("operation", "query", "body"),
    [
        (DISPATCH, {}, b""),
        (DISPATCH, {}, b"{"),
        (DISPATCH, {}, b"{}"),
        (DISPATCH, {}, b'{"ref": 5}'),
        (DISPATCH, {}, b'{"ref": "main", "inputs": []}'),
        (DISPATCH, {}, b'{"ref": "main", "run_details": true}'),
        (DISPATCH, {}, b'{"ref": "main", "return_run_details": "yes"}'),
        (DISPATCH, {}, json.dumps({"ref": "main", "inputs": {str(n): "" for n in range(26)}}).encode()),
        (RUN, {"pages": "1"}, b""),
        (RUN, {}, b"{}"),
        (RUNS, {"per_page": "many"}, b""),
        (RUNS, {"exclude_pull_requests": "maybe"}, b""),
        (RUNS, {"status": "levitating"}, b""),
    ],
)
def test_a_request_that_github_does_not_describe_is_found_out(
    description: Description, operation: str, query: dict[str, str], body: bytes
) -> None:
    assert description.wrong_request(operation, query, body)


def test_a_request_as_it_is_described_is_right(description: Description) -> None:
    body = b'{"ref": "main", "inputs": {"a": "b"}, "return_run_details": true}'
    assert description.wrong_request(DISPATCH, {}, body) == []
    assert description.wrong_request(RUNS, {"per_page": "100", "exclude_pull_requests": "true"}, b"") == []


@pytest.mark.parametrize(
    "wrong", [{"id": "5"}, {"head_sha": None}, {"created_at": "yesterday"}, {"html_url": 5}, {"run_attempt": "1"}]
)
def test_an_answer_with_a_wrong_member_is_found_out(description: Description, wrong: dict[str, object]) -> None:
    run = least(description, "workflow-run")
    assert description.wrong_answer(RUN, 200, json.dumps(run).encode()) == []
    assert description.wrong_answer(RUN, 200, json.dumps(run | wrong).encode())


@pytest.mark.parametrize("missing", ["id", "status", "conclusion", "display_title", "repository"])
def test_an_answer_without_a_member_is_found_out(description: Description, missing: str) -> None:
    run = least(description, "workflow-run")
    del run[missing]
    assert description.wrong_answer(RUN, 200, json.dumps(run).encode())


def test_nothing_stands_for_a_conclusion_of_a_job_and_no_other_word(description: Description) -> None:
    def told(conclusion: str | None) -> list[str]:
        job = least(description, "job") | {"conclusion": conclusion}
        return description.wrong_answer(JOBS, 200, json.dumps({"total_count": 1, "jobs": [job]}).encode())

    assert told(None) == told("success") == []
    assert told("abducted")


def test_an_error_that_is_not_described_has_the_form_of_githubs_errors(description: Description) -> None:
    right: dict[str, Any] = {"message": "No", "documentation_url": "https://docs.github.com", "status": "403"}
    assert description.wrong_answer(RUN, 403, json.dumps(right).encode()) == []
    wrongs: list[object] = [{**right, "status": 403}, {"message": "No"}, []]
    for wrong in wrongs:
        assert description.wrong_answer(RUN, 403, json.dumps(wrong).encode())
    assert description.wrong_answer(RUN, 201, b"{}")
    assert description.wrong_answer(DISPATCH, 204, b"{}")
    assert description.wrong_answer(RUN, 304, b"{}")


def test_an_operation_that_is_not_there_is_found_out(description: Description) -> None:
    for method, path in (("DELETE", "/repos/o/r"), ("GET", "/repos/o/r/actions/runs/1/attempt"), ("GET", "/user")):
        with pytest.raises(NotDescribed):
            description.find(method, path)
    assert description.find("GET", "/repos/o/r/commits/heads/a/b")[1]["ref"] == "heads/a/b"


async def test_our_github_tells_of_what_was_asked_of_it_and_is_not_described() -> None:
    async def asking() -> None:
        async with FakeGitHub() as github, httpx2.AsyncClient(base_url=github.url) as http:
            http.headers["authorization"] = f"token {TOKEN}"
            await http.get("/user")
            path = f"/repos/{REPOSITORY}/actions/workflows/deploy-console.yml/dispatches"
            await http.post(path, json={"ref": "main", "run_details": True})

    with pytest.raises(Disagreement, match=r"(?s)not described: GET /user.*body : .*run_details"):
        await asking()


async def test_our_github_tells_of_what_it_has_answered_and_is_not_described() -> None:
    async def asking() -> None:
        async with FakeGitHub() as github, httpx2.AsyncClient(base_url=github.url) as http:
            run = least(github.description, "workflow-run") | {"id": "5"}
            answer = Answer(200, json.dumps(run).encode(), {"content-type": "application/json"})
            github.faults.add(Fault(lambda: answer))
            await http.get(f"/repos/{REPOSITORY}/actions/runs/5")

    with pytest.raises(Disagreement, match="answer 200 id: "):
        await asking()


def test_every_operation_that_is_described_is_one_that_is_used(description: Description) -> None:
    used = (Path(published.ROOT) / "api" / "phaseline" / "github").glob("*.py")
    text = "".join(path.read_text() for path in used)
    for path in published.OPERATIONS:
        last = path.rsplit("/", 1)[1].replace("{basehead}", "{base}...{head}").replace("{attempt_number}", "{attempt}")
        assert last.replace("{repo}", "{name}") in text, path


def test_a_package_that_is_not_the_one_that_was_looked_at_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"another"
    (tmp_path / "package.tgz").write_bytes(content)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: None)
    with pytest.raises(published.NotAsPublished):
        published._fetched(("@octokit/openapi@23.0.2", "sha512-other"), tmp_path)
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    assert published._fetched(("any", f"sha512-{digest}"), tmp_path).name == "package.tgz"
