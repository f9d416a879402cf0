"""What keeps GitHub from answering: said when it begins and when it is over, and not each time it is met."""

from collections.abc import Collection

import structlog

from phaseline import metrics
from phaseline.accounting.whose import KnownRun
from phaseline.github.errors import GitHubError, Limited, NotAllowed, NotSent, Refused

log = structlog.get_logger(__name__)

# Of GitHub as a whole, and of no repository.
_ALL = ""

_REFUSED = Refused.__name__

# What it is called (`Limited`, `NotAllowed`, …), and the repository that it is of.
_Trouble = tuple[str, str]


class Troubles:
    """Each is over when GitHub has told of the repository that it is of, and it was not met there meanwhile."""

    def __init__(self) -> None:
        self._known: set[_Trouble] = set()
        self._met: set[_Trouble] = set()
        self._answered: set[str] = set()

    def begin(self) -> None:
        """Something will be asked for."""
        self._met.clear()
        self._answered.clear()

    def met(self, error: GitHubError, run: KnownRun) -> None:
        """This one stood in the way of asking for this run."""
        trouble = type(error).__name__, _ALL if _is_of_all(error) else run.repository.casefold()
        self._met.add(trouble)
        if trouble not in self._known:
            self._known.add(trouble)
            about = {"deploy": run.deploy_id, "repository": run.repository, "run": run.run_id}
            log.warning("GitHub does not tell how a run stands", kind=trouble[0], reason=str(error), **about)
        if isinstance(error, Refused):  # to refuse a question is to answer it
            self.answered(run)
        self._measure()

    def answered(self, run: KnownRun) -> None:
        """GitHub has told of this one."""
        self._answered |= {_ALL, run.repository.casefold()}

    def end(self, refused: Collection[KnownRun] = (), everything: Collection[KnownRun] | None = None) -> None:
        """Enough was asked for. `refused`: what is let be, because it was refused before. `everything`: all that there
        is to ask for, where that is known: what is not of it is no trouble any more, be it over or not."""
        let_be = {(_REFUSED, run.repository.casefold()) for run in refused}
        over = {one for one in self._known - self._met - let_be if one[1] in self._answered}
        for of in sorted({of for _, of in over}):
            more = {"repository": of} if of != _ALL else {}
            kinds = sorted(kind for kind, what in over if what == of)
            log.info("GitHub tells again how runs stand", over=kinds, **more)
        self._known -= over
        if everything is not None:
            there = {run.repository.casefold() for run in everything} | ({_ALL} if everything else set())
            self._known = {one for one in self._known if one[1] in there}
        self._measure()

    def _measure(self) -> None:
        metrics.github_answers(all(kind == _REFUSED for kind, _ in self._known))


def _is_of_all(error: GitHubError) -> bool:
    """Whether GitHub tells nothing of any repository."""
    return isinstance(error, Limited | NotSent) or (isinstance(error, NotAllowed) and error.status == 401)
