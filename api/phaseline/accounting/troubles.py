"""What keeps GitHub from answering: said when it begins and when it is over, and not each time it is met."""

import structlog

from phaseline import metrics
from phaseline.github.errors import GitHubError, Refused

log = structlog.get_logger(__name__)


class Troubles:
    """By their kinds: `Limited`, `NotAllowed`, …"""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._met: set[str] = set()

    def begin(self) -> None:
        """All will be asked for anew."""
        self._met.clear()

    def met(self, error: GitHubError, **about: str) -> None:
        """This one stood in the way."""
        kind = type(error).__name__
        self._met.add(kind)
        if kind not in self._known:
            self._known.add(kind)
            log.warning("GitHub does not tell how a run stands", kind=kind, reason=str(error), **about)
        self._measure()

    def end(self, *, let_be: bool) -> None:
        """All was asked for: what was not met any more is over. `let_be`: but for what was refused before."""
        if let_be:
            self._met.add(Refused.__name__)
        if self._known - self._met:
            log.info("GitHub tells again how runs stand", over=sorted(self._known - self._met))
        self._known = set(self._met)
        self._measure()

    def _measure(self) -> None:
        """To refuse a question is to answer it."""
        metrics.github_answers(self._known <= {Refused.__name__})
