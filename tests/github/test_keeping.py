"""What is asked for again and has not changed costs nothing."""

import pytest

from phaseline.github import keeping
from phaseline.github.client import GitHub
from phaseline.github.keeping import Answers
from tests.support.github import FakeGitHub
from tests.support.github.fake import REPOSITORY


async def test_what_has_not_changed_is_not_sent_again(github: FakeGitHub, client: GitHub) -> None:
    sha = github.repository.refs["refs/heads/main"]
    for _ in range(3):
        assert await client.commit_of(REPOSITORY, "heads/main") == sha
    assert ["if-none-match" in asked.headers for asked in github.asked] == [False, True, True]
    assert github.remaining == 4999
    new = github.repository.commit()
    assert await client.commit_of(REPOSITORY, "heads/main") == new
    assert github.remaining == 4998


async def test_another_token_is_told_nothing_that_one_before_was(github: FakeGitHub, app: GitHub) -> None:
    github.access.lives = 0
    for _ in range(2):
        await app.commit_of(REPOSITORY, "heads/main")
    assert len(github.access.given) == 2
    assert not any("if-none-match" in asked.headers for asked in github.asked)


async def test_what_is_large_is_not_kept(github: FakeGitHub, client: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "LARGEST", 10)
    for _ in range(2):
        await client.commit_of(REPOSITORY, "heads/main")
    assert not any("if-none-match" in asked.headers for asked in github.asked)


def test_what_was_not_asked_for_again_makes_room() -> None:
    answers = Answers(3)
    for name in "abc":
        answers[name] = (name, None, None, None)
    assert answers["a"][0] == "a"
    answers["d"] = ("d", None, None, None)
    assert list(answers) == ["c", "a", "d"]
    assert len(answers) == 3
    with pytest.raises(KeyError):
        answers["b"]
    del answers["c"]
    assert "c" not in answers


def test_all_that_is_kept_has_an_end() -> None:
    assert keeping.MOST * keeping.LARGEST <= 32 * 2**20
