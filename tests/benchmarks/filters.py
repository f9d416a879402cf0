"""Every filter of the two lists, with values that a history has."""

from datetime import datetime
from typing import Any, NamedTuple

from tests.benchmarks.callers import Callers
from tests.support.invented import BEGINNING, COMMON_ACTOR, RARE_ACTOR, RARE_ENVIRONMENT

ENTRIES = """query ($first: Int!, $after: String, $filter: AuditFilter) {
    auditEntries(first: $first, after: $after, filter: $filter) {
        edges { node { id sequence kind fromStatus toStatus attempt actor refusal message recordedAt } }
        pageInfo { hasNextPage endCursor }
    } }"""
DEPLOYS = """query ($first: Int!, $after: String, $filter: DeployFilter) {
    deploys(first: $first, after: $after, filter: $filter) {
        edges { node { id environment ref attempt sequence startedBy startedAt status { key outcome } } }
        pageInfo { hasNextPage endCursor }
    } }"""

# As little as leads from page to page.
_WALK = {
    "auditEntries": """query ($first: Int!, $after: String, $filter: AuditFilter) {
        auditEntries(first: $first, after: $after, filter: $filter) {
            edges { node { id } } pageInfo { hasNextPage endCursor } } }""",
    "deploys": """query ($first: Int!, $after: String, $filter: DeployFilter) {
        deploys(first: $first, after: $after, filter: $filter) {
            edges { node { id } } pageInfo { hasNextPage endCursor } } }""",
}

# The most that one request may ask for.
_STRIDE = 200


class Listing(NamedTuple):
    """A list of the API with one filter, or with none."""

    field: str
    words: str
    filter: dict[str, Any] | None

    @property
    def query(self) -> str:
        """The document that asks for a page of it."""
        return ENTRIES if self.field == "auditEntries" else DEPLOYS


async def listings(callers: Callers, size: int) -> list[Listing]:
    """All of them, for one history: what is often in it, what is rare, and what lies in its middle. Each has a page of
    so many rows."""
    page = await callers.send(DEPLOYS, first=100)
    deploys = [edge["node"] for edge in page["deploys"]["edges"]]
    newest = deploys[0]
    middle = (BEGINNING + (datetime.fromisoformat(newest["startedAt"]) - BEGINNING) / 2).isoformat()
    entries: dict[str, dict[str, Any] | None] = {
        "no filter": None,
        "deployId": {"deployId": next(deploy["id"] for deploy in deploys if deploy["sequence"] >= size)},
        "environment, often": {"environment": "production"},
        "environment, rare": {"environment": RARE_ENVIRONMENT},
        "kind": {"kind": "CALLBACK_REFUSED"},
        "actor": {"actor": COMMON_ACTOR},
        "actor, rare": {"actor": RARE_ACTOR},
        "toStatus": {"toStatus": "failed"},
        "recordedAfter, the middle": {"recordedAfter": middle},
        "recordedBefore, the middle": {"recordedBefore": middle},
    }
    lists: dict[str, dict[str, Any] | None] = {
        "no filter": None,
        "environment": {"environment": "production"},
        "environment, rare": {"environment": RARE_ENVIRONMENT},
        "outcome": {"outcome": "FAILED"},
        "startedAfter, the middle": {"startedAfter": middle},
        "startedBefore, the middle": {"startedBefore": middle},
    }
    return [
        *(Listing("auditEntries", words, wanted) for words, wanted in entries.items()),
        *(Listing("deploys", words, wanted) for words, wanted in lists.items()),
    ]


async def rows_on(callers: Callers, listing: Listing, first: int, cursor: str | None) -> int:
    """How many rows a page holds."""
    answer = await callers.send(listing.query, first=first, after=cursor, filter=listing.filter)
    return len(answer[listing.field]["edges"])


async def cursor_after(callers: Callers, listing: Listing, rows: int, size: int) -> tuple[str | None, int]:
    """The cursor after so many rows, or before the last whole page where there are not so many; after how many."""
    cursor, passed = None, 0
    while passed < rows:
        stride = min(_STRIDE, rows - passed)
        answer = await callers.send(_WALK[listing.field], first=stride, after=cursor, filter=listing.filter)
        page = answer[listing.field]
        if not page["pageInfo"]["hasNextPage"]:
            whole = (passed + len(page["edges"])) // size
            return await cursor_after(callers, listing, max(0, whole - 1) * size, size)
        cursor, passed = page["pageInfo"]["endCursor"], passed + stride
    return cursor, passed
