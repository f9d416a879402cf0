"""Asking once for what several want: how often is asked, and who is told what."""

import asyncio
from collections.abc import Collection, Mapping

import pytest

from phaseline.gathering import Gathering


class Asked:
    """Notes what is asked for, and answers when it is let."""

    def __init__(self, *, fails: bool = False) -> None:
        self.wishes: list[list[str]] = []
        self.may_answer = asyncio.Semaphore(0)
        self._fails = fails

    async def ask(self, wishes: Collection[str]) -> Mapping[str, str | Exception]:
        self.wishes.append(list(wishes))
        await self.may_answer.acquire()
        if self._fails:
            raise OSError("away")
        return {wish: KeyError(wish) if wish == "none" else wish.upper() for wish in wishes}


async def _begun(tasks: int) -> None:
    """Let so many tasks, and what they begin, come as far as they can."""
    for _ in range(2 * tasks + 5):
        await asyncio.sleep(0)


async def test_what_is_wanted_while_one_asks_is_asked_for_together_afterwards() -> None:
    asked = Asked()
    gathering = Gathering(asked.ask, 10)
    wanted = ["a", "b", "b", "c", "a"]
    tasks = [asyncio.create_task(gathering.found("first"))]
    await _begun(1)
    tasks += [asyncio.create_task(gathering.found(wish)) for wish in wanted]
    await _begun(len(wanted))
    assert asked.wishes == [["first"]]
    for _ in range(2):
        asked.may_answer.release()
    assert await asyncio.gather(*tasks) == ["FIRST", "A", "B", "B", "C", "A"]
    assert asked.wishes == [["first"], ["a", "b", "c"]]


async def test_whoever_comes_while_the_same_is_asked_for_is_answered_by_a_later_asking() -> None:
    asked = Asked()
    gathering = Gathering(asked.ask, 10)
    first = asyncio.create_task(gathering.found("a"))
    await _begun(1)
    second = asyncio.create_task(gathering.found("a"))
    asked.may_answer.release()
    await first
    await _begun(1)
    assert not second.done()
    asked.may_answer.release()
    assert await second == "A"


async def test_no_more_are_asked_for_at_once_than_may_be() -> None:
    asked = Asked()
    gathering = Gathering(asked.ask, 2)
    for _ in range(3):
        asked.may_answer.release()
    assert await asyncio.gather(*map(gathering.found, "abcde")) == list("ABCDE")
    assert [len(wishes) for wishes in asked.wishes] == [2, 2, 1]


async def test_an_error_is_its_own_wish_s_and_that_of_an_asking_everybody_s() -> None:
    asked = Asked()
    gathering = Gathering(asked.ask, 10)
    asked.may_answer.release()
    found, none = await asyncio.gather(gathering.found("a"), gathering.found("none"), return_exceptions=True)
    assert found == "A"
    assert isinstance(none, KeyError)
    away = Gathering((failing := Asked(fails=True)).ask, 10)
    failing.may_answer.release()
    failed = await asyncio.gather(away.found("a"), away.found("b"), return_exceptions=True)
    assert [type(error) for error in failed] == [OSError, OSError]
    failing.may_answer.release()
    with pytest.raises(OSError, match="away"):  # and it asks again
        await away.found("a")


async def test_nobody_waits_longer_than_an_asking_may_take() -> None:
    asked = Asked()
    gathering = Gathering(asked.ask, 10, seconds=0.05)
    hung = asyncio.create_task(gathering.found("a"))
    await _begun(1)
    for wish in (hung, gathering.found("b")):  # the second was not even asked for
        with pytest.raises(TimeoutError):
            await wish
    assert asked.wishes == [["a"]]
    for _ in range(2):
        asked.may_answer.release()
    assert await gathering.found("c") == "C"
    assert asked.wishes == [["a"], ["c"]]  # what nobody waits for any more is not asked for


async def test_who_goes_away_takes_nothing_from_others() -> None:
    asked = Asked()
    gathering = Gathering(asked.ask, 10)
    gone, stays = (asyncio.create_task(gathering.found("a")) for _ in range(2))
    await _begun(2)
    gone.cancel()
    asked.may_answer.release()
    assert await stays == "A"
