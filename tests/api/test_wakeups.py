"""Deploys of which GitHub is to be asked soon: none is forgotten, and none is asked for without a pause."""

import time
from math import inf

from phaseline.accounting.wakeups import Wakeups


def test_any_number_that_come_before_one_is_taken_count_as_one() -> None:
    wakeups = Wakeups()
    assert (bool(wakeups), wakeups.next(), wakeups.take()) == (False, inf, {})
    for _ in range(3):
        wakeups.add("a")
    wakeups.add("b")
    assert wakeups.next() <= time.monotonic()
    taken = wakeups.take()
    assert taken.keys() == {"a", "b"}
    assert wakeups.take() == {}
    wakeups.answered("a", taken["a"])
    assert wakeups.of("a") is None
    assert wakeups.of("b") is taken["b"]


def test_one_that_comes_while_github_is_asked_is_another() -> None:
    wakeups = Wakeups()
    wakeups.add("a")
    asked_for = wakeups.take()["a"]
    wakeups.add("a")
    wakeups.answered("a", asked_for)
    wakeups.refused("a", asked_for)
    wakeups.postpone("a", asked_for, inf)
    assert wakeups.take().keys() == {"a"}


def test_what_came_to_nothing_is_due_again_after_a_pause_that_grows_up_to_a_quarter_of_an_hour() -> None:
    wakeups, pauses = Wakeups(), []
    wakeups.add("a")
    for _ in range(14):
        (taken,) = wakeups.take().values()
        pauses.append(round(wakeups.next() - time.monotonic()))
        wakeups.postpone("a", taken, 0.0)
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]


def test_github_is_believed_that_there_is_no_such_run_when_it_has_said_so_several_times() -> None:
    wakeups, times = Wakeups(), 0
    wakeups.add("a")
    while wakeups:
        (taken,) = wakeups.take().values()
        times += 1
        wakeups.postpone("a", taken, 0.0)
        wakeups.refused("a", wakeups.of("a"))
    assert times == 6


def test_what_nobody_was_woken_for_is_nobody_s() -> None:
    wakeups = Wakeups()
    wakeups.answered("a", None)
    wakeups.refused("a", None)
    wakeups.postpone("a", None, 0.0)
    assert not wakeups
