"""A caller of the API over HTTP, as a workflow or a tool is one."""

from dataclasses import dataclass
from typing import Any, Self

import httpx

from tests.support.logins import OPERATOR, bearer, token_for

DEPLOY = """
    id environment ref commit attempt sequence startedBy startedAt updatedAt finishedAt runUrl
    status { key label outcome next }
    phases { key label position state attempt startedAt finishedAt }
"""
ENTRY = """
    id sequence kind source fromStatus toStatus attempt actor refusal message runId runUrl runStatus runConclusion
    recordedAt digest
"""
_START = "mutation ($input: StartDeployInput!) { startDeploy(input: $input) {" + DEPLOY + "} }"
_REPORT = (
    "mutation ($input: CallbackInput!) { applyCallback(input: $input) "
    "{ duplicate entry {" + ENTRY + "} deploy {" + DEPLOY + "} } }"
)
_DEPLOY = "query ($id: ID!) { deploy(id: $id) {" + DEPLOY + "} }"
_ENTRIES = (
    "query ($id: ID!, $after: String) { deploy(id: $id) { auditEntries(first: 200, after: $after) "
    "{ edges { node {" + ENTRY + "} } pageInfo { hasNextPage endCursor } } } }"
)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: dict[str, Any]

    @property
    def data(self) -> Any:
        """The data of an answer that has to be without errors."""
        assert "errors" not in self.body, self.body
        return self.body["data"]

    @property
    def error(self) -> dict[str, Any]:
        """The extensions of the first error."""
        extensions: dict[str, Any] = self.body["errors"][0]["extensions"]
        return extensions

    @property
    def code(self) -> str | None:
        """The code of the first error; None where there is none."""
        return self.error["code"] if self.body.get("errors") else None


class Caller:
    """Sends operations to one server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False, headers=bearer(OPERATOR))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def send(self, query: str, **variables: Any) -> Answer:
        """One operation, as a caller who may send it."""
        body = {"query": query, "variables": variables}
        response = await self.http.post("/graphql", json=body, headers=bearer(token_for(query)))
        return Answer(response.status_code, response.json())

    async def start(self, environment: str = "production", ref: str = "main", **more: Any) -> dict[str, Any]:
        """Start a deploy and return it."""
        answer = await self.send(_START, input={"environment": environment, "ref": ref, **more})
        started: dict[str, Any] = answer.data["startDeploy"]
        return started

    async def report(self, deploy_id: str, status: str, attempt: int = 1, **more: Any) -> Answer:
        """Send a callback."""
        return await self.send(_REPORT, input={"deployId": deploy_id, "status": status, "attempt": attempt, **more})

    async def walk(self, deploy_id: str, *statuses: str, attempt: int = 1) -> None:
        """Send callbacks that all have to be accepted."""
        for status in statuses:
            answer = await self.report(deploy_id, status, attempt)
            assert answer.status == 200, answer

    async def deploy(self, deploy_id: str) -> dict[str, Any]:
        """The deploy as it stands."""
        found: dict[str, Any] = (await self.send(_DEPLOY, id=deploy_id)).data["deploy"]
        return found

    async def entries(self, deploy_id: str) -> list[dict[str, Any]]:
        """All audit entries of a deploy, oldest first."""
        entries: list[dict[str, Any]] = []
        after = None
        while True:
            answer = await self.send(_ENTRIES, id=deploy_id, after=after)
            page = answer.data["deploy"]["auditEntries"]
            entries += [edge["node"] for edge in page["edges"]]
            if not page["pageInfo"]["hasNextPage"]:
                return entries
            after = page["pageInfo"]["endCursor"]
