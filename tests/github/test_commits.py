"""Branches, tags and commits."""

import json

import pytest

from phaseline.github.client import GitHub
from phaseline.github.errors import Refused
from phaseline.github.values import Compared, Ref
from tests.support.github import FakeGitHub
from tests.support.github.fake import REPOSITORY
from tests.support.github.faults import Answer, Fault
from tests.support.github.least import least

ODD = ["feature/x#1", "50%", "50%2F", "größe/日本", "a+b&c=d", "release;1,2", "what's-new!", "{owner}"]


@pytest.mark.parametrize("name", ["main", "heads/main", "refs/heads/main"])
async def test_a_branch_stands_for_its_newest_commit(github: FakeGitHub, client: GitHub, name: str) -> None:
    github.repository.commit()
    assert await client.commit_of(REPOSITORY, name) == github.repository.refs["refs/heads/main"]


@pytest.mark.parametrize("annotated", [False, True], ids=["a plain tag", "an annotated tag"])
async def test_a_tag_stands_for_a_commit(github: FakeGitHub, client: GitHub, annotated: bool) -> None:
    sha = github.repository.refs["refs/heads/main"]
    github.repository.tag("v1", sha, annotated=annotated)
    assert {await client.commit_of(REPOSITORY, name) for name in ("v1", "tags/v1", "refs/tags/v1")} == {sha}


async def test_a_branch_and_a_tag_of_one_name_are_told_apart(github: FakeGitHub, client: GitHub) -> None:
    old, new = github.repository.refs["refs/heads/main"], github.repository.commit("v1")
    github.repository.tag("v1", old)
    assert await client.commit_of(REPOSITORY, "heads/v1") == new
    assert await client.commit_of(REPOSITORY, "refs/tags/v1") == old
    with pytest.raises(Refused, match="it must be heads/v1 or tags/v1"):
        await client.commit_of(REPOSITORY, "v1")
    github.repository.tag("v1", new)
    assert await client.commit_of(REPOSITORY, "v1") == new


async def test_a_commit_stands_for_itself_and_so_does_its_beginning(github: FakeGitHub, client: GitHub) -> None:
    sha = github.repository.commit()
    assert {await client.commit_of(REPOSITORY, name) for name in (sha, sha[:7])} == {sha}


async def test_a_commit_that_does_not_begin_so_is_not_taken_for_one_that_does(
    github: FakeGitHub, client: GitHub
) -> None:
    other = json.dumps(least(github.description, "commit") | {"sha": "f" * 40}).encode()
    github.faults.add(Fault(lambda: Answer(200, other, {"content-type": "application/json"})), path="/commits/abcdef1")
    with pytest.raises(Refused, match="no branch, tag or commit abcdef1"):
        await client.commit_of(REPOSITORY, "abcdef1")


@pytest.mark.parametrize("name", ["elsewhere", "heads/elsewhere", "f" * 40, "f" * 8])
async def test_what_is_not_there_is_refused(client: GitHub, name: str) -> None:
    with pytest.raises(Refused) as refused:
        await client.commit_of(REPOSITORY, name)
    assert refused.value.status == 422


@pytest.mark.parametrize(
    "name", ["", "..", "a/../b", "/main", "main/", "a b", "a~1", "main^", "x.lock", "a\n", "\ud800"]
)
async def test_what_no_ref_can_be_called_is_not_even_asked_for(github: FakeGitHub, client: GitHub, name: str) -> None:
    with pytest.raises(Refused, match="no ref can be called"):
        await client.commit_of(REPOSITORY, name)
    with pytest.raises(Refused, match="no ref can be called"):
        await client.compare(REPOSITORY, "main", name)
    if name:
        assert await client.refs_like(REPOSITORY, f"{name}/x", 10) == []
    assert github.asked == []


@pytest.mark.parametrize("name", ODD)
async def test_odd_names_reach_github_as_they_are(github: FakeGitHub, client: GitHub, name: str) -> None:
    sha = github.repository.commit(name)
    assert await client.commit_of(REPOSITORY, f"refs/heads/{name}") == sha
    assert await client.refs_like(REPOSITORY, name, 10) == [Ref(f"refs/heads/{name}", sha)]
    assert (await client.compare(REPOSITORY, "main", name)).behind == 1
    inputs = {"environment": "staging", "ref": name}
    run = await client.dispatch(REPOSITORY, "deploy-console.yml", name, inputs)
    assert (await client.run(REPOSITORY, str(run.run_id))).head_branch == name


async def test_refs_are_suggested_by_how_they_begin(github: FakeGitHub, client: GitHub) -> None:
    sha = github.repository.commit("release/1")
    github.repository.branch("release/2", sha)
    github.repository.tag("release-3", sha, annotated=True)
    found = await client.refs_like(REPOSITORY, "release", 10)
    assert found == [
        Ref("refs/heads/release/1", sha),
        Ref("refs/heads/release/2", sha),
        Ref("refs/tags/release-3", None),
    ]
    assert await client.refs_like(REPOSITORY, "release", 2) == [found[0], found[2]]


async def test_all_refs_are_suggested_where_nothing_was_typed(github: FakeGitHub, client: GitHub) -> None:
    sha = github.repository.refs["refs/heads/main"]
    github.repository.tag("v1", sha, annotated=True)
    assert await client.refs_like(REPOSITORY, "", 10) == [Ref("refs/heads/main", sha), Ref("refs/tags/v1", sha)]
    assert github.times("GET", "/matching-refs") == 0


async def test_two_commits_are_compared(github: FakeGitHub, client: GitHub) -> None:
    old = github.repository.refs["refs/heads/main"]
    github.repository.commit()
    new = github.repository.commit()
    url = f"{github.url}/{REPOSITORY}/compare/{old}...{new}"
    assert await client.compare(REPOSITORY, old, new) == Compared("ahead", 2, 0, url)
    assert (await client.compare(REPOSITORY, new, old)).status == "behind"
    assert (await client.compare(REPOSITORY, new, new)).status == "identical"
    github.repository.branch("side", old)
    github.repository.commit("side")
    side = await client.compare(REPOSITORY, new, "refs/heads/side")
    assert (side.status, side.ahead, side.behind) == ("diverged", 1, 2)
