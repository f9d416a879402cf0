"""Asking GitHub how one deploy's run stands, and having that recorded: an earlier attempt first, where it has to be."""

from collections.abc import Awaitable, Callable

from phaseline.accounting.hearing import Hearing, report
from phaseline.accounting.whose import KnownRun
from phaseline.accounts import EarlierAttemptFirst
from phaseline.github.client import GitHub
from phaseline.github.errors import Unclear
from phaseline.github.values import Run

_COMPLETED = "completed"


async def ask(github: GitHub, hearing: Hearing, known: KnownRun, may_go_on: Callable[[], Awaitable[bool]]) -> bool:
    """Ask for its newest attempt, and record what is new. `may_go_on`: whether one more question may be put.

    Whether all is recorded that there was: where an attempt is said to go on although there is a later one, nothing is
    made of that. GitHub is behind, and has to be asked again later. Raises the errors of github/errors.py, and those of
    `Hearing.report` but the last.
    """
    newest = await github.run(known.repository, known.run_id)
    try:
        await _record(hearing, known, newest)
    except EarlierAttemptFirst as first:
        for attempt in range(first.attempt, newest.attempt):
            if not await may_go_on():
                return False
            earlier = await github.attempt(known.repository, known.run_id, attempt)
            await _record(hearing, known, earlier)
            if earlier.status != _COMPLETED:
                return False
        await _record(hearing, known, newest)
    return True


async def _record(hearing: Hearing, known: KnownRun, run: Run) -> None:
    told = report(known, run.attempt, run.status, run.conclusion, run.url, asked=True)
    if told is None or run.id != known.run_id:
        raise Unclear("its answer cannot be read: it is not of this run, or does not say how it stands")
    await hearing.report(known.deploy_id, told)
