"""Which environments a workflow run is told that its ID token is for: those that it may report on."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.support.asking import over_http
from tests.support.issuer import OWNER_ID, REPOSITORY, WORKFLOW, Issuer, trust_file
from tests.support.server import Server, serving

_WHO = "{ identity { name role proof environments } }"
_RELEASE = ".github/workflows/release.yml"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as running:
        yield running


@pytest.fixture(scope="module")
async def server(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that trusts one repository in several ways."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "trust.toml").write_text(
        trust_file(
            issuer,
            {"environments": ["production", "test"]},
            {"environments": ["guarded", "secret"], "environment_claim": True},
            {"environments": ["test", "shop"], "workflow": _RELEASE, "events": ["release"]},
            {"environments": ["elsewhere"], "repository": "octo-org/other", "repository_id": 77},
        )
    )
    async with serving(folder / "phaseline.db", trust_file=str(folder / "trust.toml")) as running:
        yield running


def _file(path: str, ref: str = "refs/heads/main") -> dict[str, str]:
    whole = f"{REPOSITORY}/{path}@{ref}"
    return {"workflow_ref": whole, "job_workflow_ref": whole}


TOLD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "as it should be": ({}, ["production", "test"]),
    "with an environment of its job": ({"environment": "guarded"}, ["guarded"]),
    "with an environment that nobody trusts": ({"environment": "prod"}, []),
    "another trusted file": ({"event_name": "release", **_file(_RELEASE)}, ["shop", "test"]),
    "another event": ({"event_name": "pull_request"}, []),
    "one file, and the event of another": ({"event_name": "release"}, []),
    "another file": (_file(".github/workflows/other.yml"), []),
    "another ref": (_file(WORKFLOW, "refs/heads/topic"), []),
    "a job of another file": ({"job_workflow_ref": f"octo-org/shared/{WORKFLOW}@refs/heads/main"}, []),
    "another owner": ({"repository_owner_id": str(OWNER_ID + 1)}, []),
}


@pytest.mark.parametrize(("claims", "environments"), TOLD.values(), ids=TOLD)
async def test_a_run_is_told_of_those_that_it_may_report_on_and_of_no_others(
    server: Server, issuer: Issuer, claims: dict[str, Any], environments: list[str]
) -> None:
    said = await over_http(server.url, issuer.token(**claims), _WHO)
    assert said.payload["data"]["identity"] == {
        "name": f"github:{REPOSITORY}",
        "role": "WORKFLOW",
        "proof": "ID_TOKEN",
        "environments": environments,
    }


async def test_a_run_of_a_repository_that_is_trusted_nowhere_is_told_of_none(server: Server, issuer: Issuer) -> None:
    said = await over_http(server.url, issuer.token(repository_id="12"), _WHO)
    identity = said.payload["data"]["identity"]
    assert (identity["role"], identity["environments"]) == (None, None)
