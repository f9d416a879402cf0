"""What was measured: a figure a round for phaseline and for its peer, and what they come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


def spread(figures: Sequence[float]) -> str:
    """The median, and the least and the most of all rounds."""
    return f"{_figure(median(figures))} ({_figure(min(figures))}–{_figure(max(figures))})"


@dataclass(frozen=True)
class Comparison:
    """Figures of the same rounds, ours and the peer's, in the unit that `what` names."""

    what: str
    peer: str
    ours: Sequence[float]
    theirs: Sequence[float]

    @property
    def ratios(self) -> list[float]:
        """Ours by theirs, round by round: what slows a whole round down does not show in them."""
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def row(self) -> tuple[str, ...]:
        """Its cells, as HEADINGS names them."""
        return self.what, spread(self.ours), self.peer, spread(self.theirs), spread(self.ratios)


HEADINGS = ("what", "phaseline", "peer", "the peer’s", "ours ÷ theirs")


def _figure(value: float) -> str:
    """Three digits: more of them would only be noise."""
    if value >= 100:
        return f"{round(value, 3 - len(str(int(value)))):,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
