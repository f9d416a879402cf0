"""Modals in a real browser under the same faults: at no moment do they show a state that the log did not hold."""

import asyncio
import secrets
from random import Random

import pytest

from tests.faults.callers import Caller
from tests.faults.history import History
from tests.faults.plan import Fault, Kind, Pace, plan
from tests.faults.sampling import Watched, samples_of
from tests.faults.screens import Log, judge, same_icon_for_the_same_state
from tests.faults.stage import CAUGHT_UP_WITHIN, Stage

PAGES = 3
# Looks are at every frame; so long may a busy machine take for one, in milliseconds.
LONGEST_GAP = 2_000
PATIENCE = 1.5  # of a caller for an answer, in seconds
SHORT = Pace(down=(0.1, 0.6), frozen=(2.0, 2.5), silent=(0.4, 1.8), stalled=(0, 0))
# Frozen and silent for longer than a modal waits for a sign of life.
LONG = Pace(down=(0.5, 8), frozen=(8, 20), silent=(4, 14), stalled=(0, 0))
NEW = secrets.randbelow(2**31)


@pytest.mark.timeout(180)
async def test_the_modal_never_shows_what_the_log_did_not_hold(stage: Stage) -> None:
    planned = plan(NEW, 9, len(stage.cluster.nodes), SHORT)
    # The silence at the end stands for this one: to notice it takes long.
    noticed_soon = [fault for fault in planned if (fault.kind, fault.whom) != (Kind.SILENCE, "viewers")]
    await hold(stage, NEW, noticed_soon, pause=0.4)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2, NEW], ids=["1", "2", "new"])
async def test_nor_when_the_faults_last_longer_than_it_waits_for_a_sign_of_life(stage: Stage, seed: int) -> None:
    await hold(stage, seed, plan(seed, 90, len(stage.cluster.nodes), LONG), pause=3.0, impatient=False)


async def hold(stage: Stage, seed: int, planned: list[Fault], *, pause: float, impatient: bool = True) -> None:
    """Carry out a plan while modals are open, and hold all that they have shown against the log."""
    planned = [fault for fault in planned if fault.kind is not Kind.STALL]  # no viewer here stops reading
    print(f"seed {seed}", *planned, sep="\n")
    random = Random(f"browser {seed}")
    stopping = asyncio.Event()
    callers = [
        Caller(
            f"caller {number}",
            f"browser-{seed}",
            lambda: stage.cluster.addresses("callers"),
            PATIENCE,
            History(),
            Random(random.random()),
        )
        for number in range(PAGES)
    ]
    deploys = await asyncio.gather(*(caller.start() for caller in callers))
    modals = await asyncio.gather(*(stage.open(deploy, impatient=impatient) for deploy in deploys))
    began = [await modal.page.evaluate("window.kept.began") for modal in modals]
    walks = [
        asyncio.create_task(caller.walk(deploy, pause, stopping))
        for caller, deploy in zip(callers, deploys, strict=True)
    ]
    try:
        await stage.suffer(planned)
        for modal in modals:
            await modal.connection("live", within=CAUGHT_UP_WITHIN)
        await stage.fall_silent_until_all_say_so(modals)
        stopping.set()
        async with asyncio.timeout(60):
            await asyncio.gather(*walks)
    finally:
        for task in walks:
            task.cancel()
        await asyncio.gather(*walks, return_exceptions=True)
        for caller in callers:
            await caller.close()
    problems = []
    every = []
    for number, (deploy, modal) in enumerate(zip(deploys, modals, strict=True)):
        log = await stage.log_when_shown(deploy, modal)
        watched = await samples_of(modal.page, f"page {number}", deploy)
        assert watched.began == began[number], "the page was loaded again"
        problems += judge(watched, log)
        every.append(watched)
        print(_summary(watched, log))
    problems += same_icon_for_the_same_state(every)
    assert not problems, f"seed {seed}: {len(problems)} problems\n" + "\n".join(
        problem[:1500] for problem in problems[:10]
    )
    _was_looked_at(stage, every)


def _was_looked_at(stage: Stage, every: list[Watched]) -> None:
    """Every page was looked at all the time, and showed every state of a connection."""
    for watched in every:
        assert watched.longest_gap < LONGEST_GAP, f"{watched.name} was not looked at for {watched.longest_gap} ms"
        for fault, since, until in stage.faults:
            assert watched.looked(since, until), f"{watched.name} was not looked at during {fault}"
        states = {sample.marks.get("connection") for sample in watched.samples}
        assert states >= {"live", "lost"}, f"{watched.name} was {states}"
        assert len({sample.position for sample in watched.samples}) > 3, f"{watched.name} hardly showed anything"


def _summary(watched: Watched, log: Log) -> str:
    states = [sample.marks.get("connection") for sample in watched.samples]
    positions = {sample.position for sample in watched.samples}
    return (
        f"{watched.name}: {sum(watched.looks.values())} looks, {watched.longest_gap} ms without one at most, "
        f"{len(watched.samples)} samples of {len(positions)} "
        f"positions, {len(watched.sockets)} sockets, {len(log.entries)} entries, "
        f"{ {state: states.count(state) for state in dict.fromkeys(states)} }, "
        f"closed with {[socket.code for socket in watched.sockets]}"
    )
