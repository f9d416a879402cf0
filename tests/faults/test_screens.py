"""What is watched in the browser can fail: lies on the wire, on the screen and in what was kept are all found."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from playwright.async_api import WebSocketRoute

from tests.faults.sampling import Sample, Socket, Watched, samples_of
from tests.faults.screens import CHECKS, Log, judge, log_of, same_icon_for_the_same_state
from tests.faults.stage import Stage
from tests.journeys.modal import Modal
from tests.support.caller import Caller

RUNS = ("smoke_running", "smoke_passed", "freeze_checking", "freeze_passed", "building")
Seen = tuple[Watched, Log]


async def shown(stage: Stage, deploy: str, modal: Modal) -> Seen:
    """What a modal has shown, and the log."""
    log = await log_of(stage.postgres, stage.database, deploy)
    return await samples_of(modal.page, "page", deploy), log


async def a_run(stage: Stage) -> Seen:
    """A deploy that is followed as it goes on, over a connection that is cut once, when it is building."""
    async with Caller(stage.cluster.nodes[0].url) as caller:
        deploy = (await caller.start())["id"]
        modal = await stage.open(deploy)
        for sequence, status in enumerate(RUNS, start=2):
            await caller.walk(deploy, status)
            await modal.at(status, sequence)
        stage.cluster.wires["viewers"].cut(reset=True)
        await modal.connection("lost")
        await caller.report(deploy, "smoke_running", attempt=2)
        await modal.at("building", 7)
        await modal.connection("live")
    return await shown(stage, deploy, modal)


def found(watched: Watched, log: Log) -> set[str]:
    """The names of the checks that do not hold."""
    return {check.__name__ for check in CHECKS if list(check(watched, log))}


Change = Callable[[Watched], Watched]


def of_samples(change: Callable[[list[Sample]], list[Sample]]) -> Change:
    """Other samples."""
    return lambda watched: replace(watched, samples=change(list(watched.samples)))


def of_last(**changes: Any) -> Change:
    """Another last sample."""
    return of_samples(lambda samples: [*samples[:-1], replace(samples[-1], **changes)])


def of_last_step(place: int, **changes: Any) -> Change:
    """Another step in the last sample."""

    def change(samples: list[Sample]) -> list[Sample]:
        steps = list(samples[-1].steps)
        steps[place] = replace(steps[place], **changes)
        return [*samples[:-1], replace(samples[-1], steps=tuple(steps))]

    return of_samples(change)


def of_sockets(change: Callable[[list[Socket]], list[Socket]]) -> Change:
    """Other sockets."""
    return lambda watched: replace(watched, sockets=change(list(watched.sockets)))


def one_moment_of(change: Callable[[Sample], Sample]) -> Change:
    """A moment in the middle of the run, when it was live: something else was shown, and then the truth again."""

    def insert(samples: list[Sample]) -> list[Sample]:
        place = next(place for place, sample in enumerate(samples) if sample.position == "entry 4 of 4")
        honest = samples[place]
        return [*samples[: place + 1], change(honest), replace(honest, at=honest.at + 1), *samples[place + 1 :]]

    return of_samples(insert)


def early(samples: list[Sample]) -> list[Sample]:
    """As if entry 4 had been shown as soon as entry 3 was."""
    before = next(sample for sample in samples if sample.position == "entry 3 of 3")
    return [
        replace(sample, at=before.at + 1) if sample.position == "entry 4 of 4" and sample.is_live else sample
        for sample in samples
    ]


def lost_shown_as_live(samples: list[Sample]) -> list[Sample]:
    """As if it had gone on saying that it was live."""
    return [
        replace(
            sample,
            marks={**sample.marks, "connection": "live"},
            steps=tuple(replace(step, stands=False) for step in sample.steps),
            connection="Live",
            lost="",
            retry="",
            confirmed="",
        )
        if sample.marks.get("connection") == "lost"
        else sample
        for sample in samples
    ]


AT_THE_ENTRY = "shows_the_log_at_the_entry_it_names"
CONNECTED = "says_how_it_is_connected"
HEARD = "is_live_only_while_the_server_is_heard"

DOCTORED: dict[str, tuple[Change, set[str]]] = {
    "a step is ahead of its entry": (of_last_step(3, state="ACTIVE"), {AT_THE_ENTRY}),
    "a step has the word of another state": (of_last_step(0, word="Failed"), {AT_THE_ENTRY}),
    "a step has another attempt": (of_last_step(0, attempt=2), {AT_THE_ENTRY}),
    "a step began at another time": (of_last_step(2, began="2026-01-01T00:00:00.000Z"), {AT_THE_ENTRY}),
    "a step is missing": (of_samples(lambda s: [*s[:-1], replace(s[-1], steps=s[-1].steps[:-1])]), {AT_THE_ENTRY}),
    "the headline is of another entry": (of_last(status="Deploying"), {AT_THE_ENTRY}),
    "the end is told before it came": (of_last(outcome="Succeeded"), {AT_THE_ENTRY}),
    "the attributes are of another entry": (
        of_samples(lambda s: [*s[:-1], replace(s[-1], marks={**s[-1].marks, "status": "deploying"})]),
        {AT_THE_ENTRY},
    ),
    "the attempt is another one": (of_last(attempt="2"), {AT_THE_ENTRY}),
    "an older entry is named": (
        of_last(position="entry 5 of 7"),
        {AT_THE_ENTRY, "never_goes_back", "ends_live_at_the_last_entry"},
    ),
    "an entry is named that the log does not hold": (
        of_last(position="entry 8 of 8"),
        {AT_THE_ENTRY, "ends_live_at_the_last_entry"},
    ),
    "a deploy is shown and no entry named": (
        of_last(position=""),
        {AT_THE_ENTRY, "never_goes_back", "ends_live_at_the_last_entry"},
    ),
    "for a moment, what comes next was shown": (
        one_moment_of(lambda sample: replace(sample, status="Freeze check passed")),
        {AT_THE_ENTRY},
    ),
    "an entry is left out of the list": (
        of_samples(lambda s: [*s[:-1], replace(s[-1], entries=(*s[-1].entries[:2], *s[-1].entries[3:]))]),
        {"lists_the_entries_of_the_log"},
    ),
    "an entry is known before it was recorded": (
        of_samples(early),
        {"shows_nothing_before_it_is_recorded"},
    ),
    "it started over": (of_last(restarted="The server's history differs"), {"never_goes_back"}),
    "it has given up": (
        of_samples(lambda s: [*s, replace(s[-1], marks={**s[-1].marks, "connection": "closed"}, connection="")]),
        {"never_goes_back", CONNECTED, "ends_live_at_the_last_entry"},
    ),
    "it says that it is live in other words": (of_last(connection="Connection lost"), {CONNECTED}),
    "it is live and says that it is lost": (of_last(lost="Connection lost."), {CONNECTED}),
    "clocks run while nothing is heard": (
        of_samples(
            lambda s: [replace(one, steps=tuple(replace(step, stands=False) for step in one.steps)) for one in s]
        ),
        {CONNECTED},
    ),
    "it was live all the while": (of_samples(lost_shown_as_live), {HEARD}),
    "nothing came for eleven seconds": (lambda w: replace(w, read=w.sockets[-1].heard[-1] + 11_000), {HEARD}),
    "its socket had long been closed": (
        lambda w: of_sockets(lambda s: [*s[:-1], replace(s[-1], closed=w.read - 2500)])(w),
        {HEARD},
    ),
    "the deploy never came over its socket": (of_sockets(lambda s: [*s[:-1], replace(s[-1], proved=None)]), {HEARD}),
    "it does not come back": (
        of_samples(lambda s: s[: [one.is_live for one in s].index(False, 3)]),
        {"ends_live_at_the_last_entry"},
    ),
}


async def test_each_lie_is_found_by_the_checks_that_are_for_it_and_the_truth_by_none(stage: Stage) -> None:
    watched, log = await a_run(stage)
    assert judge(watched, log) == []
    assert list(same_icon_for_the_same_state([watched])) == []
    missed = {
        name: (found(change(watched), log), expected)
        for name, (change, expected) in DOCTORED.items()
        if found(change(watched), log) != expected
    }
    assert missed == {}
    drawn_alike = of_last_step(3, icon=watched.samples[-1].steps[0].icon)(watched)
    assert list(same_icon_for_the_same_state([drawn_alike]))


async def test_a_lie_on_the_wire_is_found_though_only_one_message_tells_it(stage: Stage) -> None:
    """The answer of the server is rewritten: at entry 3 the health check has passed, says one message."""

    def lie(message: str | bytes) -> str | bytes:
        told = json.loads(message)
        changed = told.get("payload", {}).get("data", {}).get("phaseChanged") if told["type"] == "next" else None
        if changed and changed["entry"]["sequence"] == 3:
            changed["deploy"]["phases"][3]["state"] = "PASSED"
        return json.dumps(told)

    def between(near: WebSocketRoute) -> None:
        far = near.connect_to_server()
        far.on_message(lambda message: near.send(lie(message)))

    async with Caller(stage.cluster.nodes[0].url) as caller:
        deploy = (await caller.start())["id"]
        modal = await stage.open(deploy, before=lambda page: page.route_web_socket("**/graphql", between))
        for sequence, status in enumerate(RUNS, start=2):
            await caller.walk(deploy, status)
            await modal.at(status, sequence)
    problems = judge(*await shown(stage, deploy, modal))
    assert problems
    for problem in problems:
        assert "names entry 3 and shows step health_check as" in problem
        assert "'state': 'PASSED', 'word': 'Passed'" in problem
        assert "which at entry 3 the log holds as" in problem
        assert "'state': 'PENDING', 'word': 'Pending'" in problem


async def test_a_lie_on_the_screen_is_found_though_it_is_there_for_less_than_a_frame(stage: Stage) -> None:
    async with Caller(stage.cluster.nodes[0].url) as caller:
        deploy = (await caller.start())["id"]
        modal = await stage.open(deploy)
        await modal.at("queued", 1)
    await modal.part("step-state").first.evaluate("""async (word) => {
        const honest = word.textContent;
        word.textContent = "Passed";
        await null;
        word.textContent = honest;
    }""")
    (problem,) = judge(*await shown(stage, deploy, modal))
    assert "names entry 1 and shows step smoke_gate as" in problem


def test_a_while_without_a_look_is_known() -> None:
    looks = dict.fromkeys((1000, 1250, 3500, 3750), 15)
    assert Watched("page", "deploy", 900, 3900, [], looks, []).longest_gap == 2250
    assert Watched("page", "deploy", 900, 7000, [], looks, []).longest_gap == 3250
