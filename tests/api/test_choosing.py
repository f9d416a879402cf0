"""What people choose from before they start a deploy: refs that GitHub has, and what would change."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.asking import over_http
from tests.support.github.access import TOKEN
from tests.support.github.desk import Desk, at_desk
from tests.support.github.fake import REPOSITORY
from tests.support.github.faults import Fault, failing, refusal, secondary_limit
from tests.support.logins import VIEWER
from tests.support.operators import operator_for

_SUGGESTED = """query ($name: String!, $prefix: String, $first: Int) {
    environment(name: $name) { refSuggestions(prefix: $prefix, first: $first) { name commit } }
}"""
_COMPARED = """query ($name: String!, $ref: String!) {
    environment(name: $name) { dispatches deployed { id } comparison(ref: $ref) { base head status ahead behind url } }
}"""


@pytest.fixture
async def desk(database: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    async with at_desk(database, tmp_path) as found:
        yield found


async def suggested(
    desk: Desk, prefix: str | None = None, environment: str = "production", first: int = 20
) -> list[str]:
    """The names."""
    given = {"name": environment, "prefix": prefix, "first": first}
    found = (await desk.caller.send(_SUGGESTED, **given)).data["environment"]["refSuggestions"]
    return [one["name"] for one in found]


async def compared(desk: Desk, ref: str, environment: str = "production") -> Any:
    """All that is answered."""
    return await desk.caller.send(_COMPARED, name=environment, ref=ref)


async def _deployed(desk: Desk) -> str:
    """The commit of a deploy that has succeeded."""
    deploy_id = await desk.start()
    await desk.run(deploy_id)
    await desk.caller.walk(deploy_id, "building", "deploying", "succeeded")
    return str((await desk.deploy(deploy_id))["commit"])


async def test_branches_and_tags_that_may_be_deployed_are_suggested_by_how_they_begin(desk: Desk) -> None:
    repository, commit = desk.github.repository, desk.github.repository.refs["refs/heads/main"]
    for name in ("main-2", "mail", "release/1"):
        repository.branch(name, commit)
    for name in ("v1", "v2", "nightly"):
        repository.tag(name, commit, annotated=name == "v2")
    assert await suggested(desk) == ["mail", "main", "main-2", "release/1", "v1", "v2"]
    assert await suggested(desk, "mai") == ["mail", "main", "main-2"]
    assert await suggested(desk, "refs/heads/main") == ["refs/heads/main", "refs/heads/main-2"]
    assert await suggested(desk, "v") == ["v1", "v2"]
    assert await suggested(desk, "night") == []
    assert await suggested(desk, first=4) == ["mail", "main", "v1", "v2"]
    assert await suggested(desk, "v", environment="staging") == []
    for nonsense in ("../..", "a b", "x~"):
        assert await suggested(desk, nonsense) == []
    found = (await desk.caller.send(_SUGGESTED, name="production", prefix="v")).data["environment"]["refSuggestions"]
    assert [one["commit"] for one in found] == [commit, None]


async def test_a_name_that_could_be_meant_for_another_is_suggested_whole(desk: Desk) -> None:
    repository, commit = desk.github.repository, desk.github.repository.refs["refs/heads/main"]
    repository.branch("v1", commit)
    assert await suggested(desk, "v") == ["v1"]
    repository.tag("v1", commit)
    repository.tag("v2", commit)
    assert await suggested(desk, "v1") == ["refs/heads/v1", "refs/tags/v1"]
    assert await suggested(desk, "v2") == ["v2"]
    assert await suggested(desk, "v", environment="staging") == ["v1"]


async def test_what_was_asked_just_now_is_not_asked_again(desk: Desk) -> None:
    first = await suggested(desk, "ma")
    before = len(desk.github.asked)
    assert await suggested(desk, "ma") == first == ["main"]
    assert len(desk.github.asked) == before


async def test_where_github_does_not_answer_nothing_is_suggested_and_the_rest_is_told(desk: Desk) -> None:
    for number, fault in enumerate((failing(502), secondary_limit(), Fault(lambda: refusal(401, "Bad credentials")))):
        desk.github.faults.add(fault, "GET", "/git/matching-refs/")
        assert await suggested(desk, f"m{number}") == []
    await desk.github.away()
    assert await suggested(desk, "main") == []
    line = await desk.logged("no refs are suggested")
    assert (line["level"], line["environment"]) == ("info", "production")
    assert TOKEN not in str(desk.server.log)


async def test_what_is_deployed_is_compared_with_what_would_be(desk: Desk) -> None:
    assert (await compared(desk, "main")).data["environment"] == {
        "dispatches": True,
        "deployed": None,
        "comparison": None,
    }
    base = await _deployed(desk)
    desk.github.repository.commit()
    head = desk.github.repository.commit()
    assert (await compared(desk, "main")).data["environment"]["comparison"] == {
        "base": base,
        "head": head,
        "status": "ahead",
        "ahead": 2,
        "behind": 0,
        "url": f"{desk.github.url}/{REPOSITORY}/compare/{base}...{head}",
    }


async def test_what_cannot_be_compared_is_null_with_the_reason_and_the_rest_is_told(desk: Desk) -> None:
    await _deployed(desk)
    desk.github.faults.add(failing(502), "GET", "/compare/")
    answers = [await compared(desk, "gone"), await compared(desk, "refs/pull/1/head"), await compared(desk, "main")]
    await desk.github.away()
    answers.append(await compared(desk, "refs/heads/main"))
    codes = ["BAD_USER_INPUT", "BAD_USER_INPUT", "GITHUB_UNAVAILABLE", "GITHUB_UNAVAILABLE"]
    assert [answer.code for answer in answers] == codes
    for answer in answers:
        told = answer.body["data"]["environment"]
        assert (told["dispatches"], told["comparison"], told["deployed"] is None) == (True, None, False)


async def test_who_may_start_nothing_has_github_asked_for_nothing(desk: Desk) -> None:
    before = len(desk.github.asked)
    for field in ("refSuggestions { name }", 'comparison(ref: "main") { url }'):
        said = await over_http(desk.server.url, VIEWER, f'{{ environment(name: "production") {{ {field} }} }}')
        assert said.code == "FORBIDDEN"
    assert len(desk.github.asked) == before


async def test_who_may_start_nothing_in_an_environment_is_told_nothing_of_its_repository(desk: Desk) -> None:
    await _deployed(desk)
    token = await operator_for(desk.database, "staging")

    def questions() -> int:
        """Those about refs and commits; its run is asked about as well."""
        return len([one for one in desk.github.asked if "/runs" not in one.path])

    before = questions()
    asked = '{ environment(name: "production") { mayStart refSuggestions { name } } }'
    said = await over_http(desk.server.url, token, asked)
    assert said.payload["data"]["environment"] == {"mayStart": False, "refSuggestions": []}
    said = await over_http(
        desk.server.url, token, '{ environment(name: "production") { comparison(ref: "main") { url } } }'
    )
    assert said.code == "FORBIDDEN"
    assert questions() == before
    said = await over_http(desk.server.url, token, '{ environment(name: "staging") { refSuggestions { name } } }')
    assert said.payload["data"]["environment"]["refSuggestions"] == [{"name": "main"}]
