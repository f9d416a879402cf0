"""What GitHub tells by itself: whether it is GitHub that does, and what it says of runs and jobs. No I/O.

Deliveries may be lost, late, doubled and out of order. Each says how something stood when it was sent, and no more.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from phaseline.github import reading
from phaseline.github.reading import Unreadable, members, optional_text, optional_whole, text, whole
from phaseline.github.values import Job, Wait, waits_for

RUN, JOB = "workflow_run", "workflow_job"

_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")


class NotGitHubs(ValueError):
    """GitHub sends no such body for this event. The text says what is wrong with it, and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a delivery says of a run.

    One for the event workflow_job says how a job of it stands, and of the run itself neither status nor conclusion: a
    job that has succeeded is not a run that has. `attempt` and `name` are None where it does not say them; the name is
    what the run-name has made. `path`: the workflow's file; `trigger`: GitHub's word for what the run was begun by; a
    job says neither. `environment`: the GitHub environment that the job is for, where it is for one. `repository_url`:
    the repository's page, which tells of which GitHub it is.
    """

    event: str
    action: str | None
    repository: str
    repository_id: int
    run_id: str
    attempt: int | None
    status: str | None
    conclusion: str | None
    name: str | None
    head_sha: str | None
    url: str | None
    repository_url: str | None = None
    path: str | None = None
    trigger: str | None = None
    job: Job | None = None
    environment: str | None = None

    @property
    def waits_for(self) -> Wait | None:
        """What the run, or the job, waits for."""
        return waits_for(self.status if self.job is None else self.job.status)


def has_form(signature: str | None) -> bool:
    """Whether this could be a signature, whatever the body is: `signature` is the header X-Hub-Signature-256."""
    return signature is not None and _SIGNATURE.fullmatch(signature) is not None


def verified(secret: str, body: bytes, signature: str | None) -> bool:
    """Whether this body was signed with the secret: `signature` is the header X-Hub-Signature-256.

    The older one, by SHA-1, counts for nothing; and where there is no secret, no signature does.
    """
    if not secret or signature is None:
        return False
    right = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(right.encode(), signature.encode(errors="replace"))


def parse(event: str, body: bytes) -> Delivered | None:
    """What the delivery says; None for one of another event. Raises NotGitHubs.

    Actions, statuses and conclusions that nobody knows yet are told as they are. `body`: JSON, or the form that holds
    it, as the webhook is set to send.
    """
    if event not in (RUN, JOB):
        return None
    try:
        said = members(_decoded(body), "the body")
        return _of_run(said) if event == RUN else _of_job(said)
    except Unreadable as error:
        raise NotGitHubs(str(error)) from None


def _decoded(body: bytes) -> object:
    try:
        if not body.lstrip().startswith(b"{"):
            body = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=10)["payload"][0].encode()
        return json.loads(body)
    except (ValueError, KeyError, RecursionError):
        raise Unreadable("the body is neither JSON nor a form that holds it") from None


def _of_run(said: Mapping[str, Any]) -> Delivered:
    run = members(said.get(RUN), RUN)
    return Delivered(
        event=RUN,
        action=optional_text(said, "action"),
        **_repository(said),
        run_id=str(whole(run, "id")),
        attempt=optional_whole(run, "run_attempt"),
        status=optional_text(run, "status"),
        conclusion=optional_text(run, "conclusion"),
        name=optional_text(run, "display_title"),
        head_sha=optional_text(run, "head_sha"),
        url=optional_text(run, "html_url"),
        path=_file(said, run),
        trigger=optional_text(run, "event"),
    )


def _of_job(said: Mapping[str, Any]) -> Delivered:
    job = members(said.get(JOB), JOB)
    run_id = str(whole(job, "run_id"))
    repository = members(said.get("repository"), "repository")
    page = optional_text(repository, "html_url")
    deployment = said.get("deployment")
    return Delivered(
        event=JOB,
        action=optional_text(said, "action"),
        **_repository(said),
        run_id=run_id,
        attempt=optional_whole(job, "run_attempt"),
        status=None,
        conclusion=None,
        name=None,
        head_sha=optional_text(job, "head_sha"),
        # A job tells the address of its run in the API alone.
        url=f"{page}/actions/runs/{run_id}" if page else None,
        job=reading.job(job),
        environment=optional_text(deployment, "environment") if isinstance(deployment, dict) else None,
    )


def _file(said: Mapping[str, Any], run: Mapping[str, Any]) -> str | None:
    """Older servers say it of the workflow alone; where the file was taken from may stand behind it."""
    workflow = said.get("workflow")
    path = optional_text(run, "path") or (optional_text(workflow, "path") if isinstance(workflow, dict) else None)
    return None if path is None else path.partition("@")[0]


def _repository(said: Mapping[str, Any]) -> dict[str, Any]:
    repository = members(said.get("repository"), "repository")
    return {
        "repository": text(repository, "full_name"),
        "repository_id": whole(repository, "id"),
        "repository_url": optional_text(repository, "html_url"),
    }
