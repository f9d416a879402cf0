"""What was measured: a figure a round for phaseline and for its peer, and what they come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median


class Better(Enum):
    """Which way is better; and `GROWTH`, where the peer is phaseline itself with less to do."""

    MORE = "more"
    LESS = "less"
    GROWTH = "growth"


@dataclass(frozen=True)
class Comparison:
    """Figures of the same rounds, ours and the peer's, in the unit that `what` names, and the ratio that is wanted."""

    what: str
    peer: str
    ours: Sequence[float]
    theirs: Sequence[float]
    wanted: float
    better: Better = Better.MORE

    @property
    def ratios(self) -> list[float]:
        """How many times better ours is, round by round: what slows a whole round down does not show in them.

        Of growth: how many times as long it takes.
        """
        pairs = zip(self.ours, self.theirs, strict=True)
        return [theirs / ours if self.better is Better.LESS else ours / theirs for ours, theirs in pairs]

    @property
    def target(self) -> str:
        """What the ratio is to be."""
        return f"{'at most' if self.better is Better.GROWTH else 'at least'} {self.wanted:g}"

    @property
    def reached(self) -> bool:
        """Whether the median is."""
        return self._is_enough(median(self.ratios))

    @property
    def verdict(self) -> str:
        """Whether it is, in words: a median that one round in three contradicts is not to pass for more than it is."""
        if not self.reached:
            return "**no**"
        return "yes" if all(map(self._is_enough, self.ratios)) else "yes, but not in every round"

    def _is_enough(self, ratio: float) -> bool:
        return ratio <= self.wanted if self.better is Better.GROWTH else ratio >= self.wanted

    @property
    def row(self) -> tuple[str, ...]:
        """Its cells, as HEADINGS names them."""
        figures = (spread(self.ours), self.peer, spread(self.theirs), spread(self.ratios))
        return self.what, *figures, self.target, self.verdict


HEADINGS = ("work", "phaseline", "against", "theirs", "ratio", "wanted", "reached")


def spread(figures: Sequence[float]) -> str:
    """The median, and the least and the most of all rounds."""
    if len(figures) == 1:
        return figure(figures[0])
    return f"{figure(median(figures))} ({figure(min(figures))}–{figure(max(figures))})"


def figure(value: float) -> str:
    """Three digits: more of them would only be noise."""
    if value >= 100:
        return f"{round(value, 3 - len(str(int(value)))):,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
