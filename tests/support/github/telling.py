"""GitHub's webhooks as a test words them, and the environments file of a server that they are sent to."""

import json
import uuid
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.support.github.fake import REPOSITORY, WORKFLOW
from tests.support.github.hooks import signature
from tests.tools import github as published

SECRET = "It's a Secret to Everybody"
PATH = "/webhooks/github"

_EXAMPLES: dict[str, list[dict[str, Any]]] = json.loads(published.examples().read_text())
EXAMPLES = [(event, number, one) for event, examples in _EXAMPLES.items() for number, one in enumerate(examples)]


def environments(api_url: str = "", web_url: str = "", more: str = "") -> str:
    """An environments file: three of one repository, one of another. The addresses: where GitHub is, if elsewhere;
    `more`: what else is said of it."""
    found = [f'[github]\napi_url = "{api_url}"\nweb_url = "{web_url}"\n{more}'] if api_url else []
    for name, repository in [
        *((name, REPOSITORY) for name in ("production", "staging", "test")),
        ("shop", "octo-org/shop"),
    ]:
        where = f'repository = "{repository}"\nworkflow = "{WORKFLOW}"\nrefs = ["refs/heads/*"]\n'
        found.append(f"[environments.{name}]\n{where}")
    return "\n".join(found)


def of_run(
    run_id: str, conclusion: str | None = None, attempt: int | None = 1, repository: str = REPOSITORY, **more: Any
) -> dict[str, Any]:
    """What is sent of a run: that it has ended, where there is a conclusion, else that it goes on."""
    payload: dict[str, Any] = json.loads(json.dumps(_EXAMPLES["workflow_run"][1]))
    status = "completed" if conclusion else "in_progress"
    payload["action"], payload["repository"]["full_name"] = status, repository
    run = {"id": int(run_id), "run_attempt": attempt, "status": status, "conclusion": conclusion}
    payload["workflow_run"] |= run | {"html_url": page(run_id, repository)} | more
    return payload


def of_job(run_id: str, status: str, attempt: int = 1, repository: str = REPOSITORY) -> dict[str, Any]:
    """The same of a job of it."""
    payload: dict[str, Any] = json.loads(json.dumps(_EXAMPLES["workflow_job"][3]))
    payload["action"], payload["repository"]["full_name"] = status, repository
    payload["workflow_job"] |= {"run_id": int(run_id), "run_attempt": attempt, "status": status}
    return payload


def page(run_id: str, repository: str = REPOSITORY) -> str:
    """Where people look at a run."""
    return f"https://github.com/{repository}/actions/runs/{run_id}"


def headers(body: bytes, event: str = "workflow_run", delivery: str | None = None, **instead: str) -> dict[str, str]:
    """Those of a delivery; a name with an empty value is left out."""
    found = {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": delivery or str(uuid.uuid4()),
        "x-hub-signature-256": signature(SECRET, body),
        **{name.replace("_", "-"): value for name, value in instead.items()},
    }
    return {name: value for name, value in found.items() if value}


async def post(url: str, body: bytes, given: dict[str, str]) -> httpx.Response:
    """Send these bytes with these headers."""
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
        return await http.post(PATH, content=body, headers=given)


async def deliver(
    url: str, payload: dict[str, Any], event: str = "workflow_run", delivery: str | None = None, *, form: bool = False
) -> Any:
    """Send a delivery, which has to be taken; what was answered."""
    body = json.dumps(payload).encode()
    more = {}
    if form:
        body, more = urlencode({"payload": body}).encode(), {"content_type": "application/x-www-form-urlencoded"}
    answer = await post(url, body, headers(body, event, delivery, **more))
    assert answer.status_code == 202, answer.text
    return answer.json()
