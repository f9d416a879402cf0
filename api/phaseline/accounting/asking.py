"""Asking GitHub how one deploy's run stands, and having that recorded: an earlier attempt first, where it has to be."""

from collections.abc import Awaitable, Callable

from phaseline.accounting.hearing import Hearing, report
from phaseline.accounting.whose import KnownRun
from phaseline.accounts import EarlierAttemptFirst
from phaseline.github.client import GitHub
from phaseline.github.errors import Unclear
from phaseline.github.values import Run


async def ask(github: GitHub, hearing: Hearing, known: KnownRun, may_go_on: Callable[[], Awaitable[bool]]) -> None:
    """Ask for its newest attempt, and record what is new. `may_go_on`: whether one more question may be put.

    Where an attempt is said to go on although there is a later one, nothing is made of that: GitHub is behind, and has
    to be asked again later. Raises the errors of github/errors.py, and those of `Hearing.report` but the last.
    """
    newest = await github.run(known.repository, known.run_id)
    try:
        await _record(hearing, known, newest)
    except EarlierAttemptFirst as first:
        for attempt in range(first.attempt, newest.attempt):
            if not await may_go_on():
                return
            earlier = await github.attempt(known.repository, known.run_id, attempt)
            await _record(hearing, known, earlier)
            if earlier.conclusion is None:
                return
        await _record(hearing, known, newest)


async def _record(hearing: Hearing, known: KnownRun, run: Run) -> None:
    told = report(known, run.attempt, run.status, run.conclusion, run.url)
    if told is None or run.id != known.run_id:
        raise Unclear("its answer cannot be read: it is not of this run, or does not say how it stands")
    await hearing.report(known.deploy_id, told)
