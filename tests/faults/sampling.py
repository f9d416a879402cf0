"""Everything that a modal has shown, moment by moment, kept by a script in its page."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.async_api import Page

SCRIPT = Path(__file__).with_name("sampler.js").read_text()


@dataclass(frozen=True, slots=True)
class Step:
    """A step, as it was drawn. Times are as in the DOM, which is to the millisecond; `icon` is its drawing.

    `tag` says which attempt it is of; `runs`: its clock is there; `stands`: with the moment that it stands at.
    """

    phase: str
    state: str
    attempt: int | None
    label: str
    word: str
    icon: str
    current: bool
    tag: str
    began: str | None
    ended: str | None
    runs: bool
    stands: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """What was shown from `at` on, in milliseconds since 1970, until the next sample.

    `marks` are the attributes that the modal reflects. A part that was not there is empty, or None.
    """

    at: int
    marks: dict[str, str]
    position: str
    steps: tuple[Step, ...]
    status: str
    outcome: str
    attempt: str
    reported: str | None
    finished: str | None
    connection: str
    lost: str
    retry: str
    confirmed: str
    failure: str
    restarted: str
    entries: tuple[tuple[int, str, str, str | None], ...]
    announced: str

    @property
    def is_live(self) -> bool:
        return self.marks.get("connection") == "live"


@dataclass(frozen=True, slots=True)
class Socket:
    """When a socket was made, when anything came over it, when first the deploy came, and when and how it closed."""

    opened: int
    heard: list[int]
    proved: int | None
    closed: int | None
    code: int | None


@dataclass(frozen=True, slots=True)
class Watched:
    """A page from its loading, at `began`, until it was read. `looks` counts looks by the quarter of a second."""

    name: str
    deploy: str
    began: int
    read: int
    samples: list[Sample]
    looks: dict[int, int]
    sockets: list[Socket]

    @property
    def longest_gap(self) -> int:
        """The longest that it was not looked, from the first look until it was read, in milliseconds, to a quarter."""
        return max(later - earlier for earlier, later in pairwise([*sorted(self.looks), self.read]))

    def looked(self, since: int, until: int) -> int:
        """How often it was looked at the modal between these moments."""
        return sum(count for quarter, count in self.looks.items() if since - 250 < quarter <= until)


async def keep_samples(page: Page) -> None:
    """Keep them from the next loading on; a page that is loaded again forgets what it has kept."""
    await page.add_init_script(SCRIPT)


async def samples_of(page: Page, name: str, deploy: str) -> Watched:
    """What was kept until now."""
    kept = await page.evaluate("({ ...window.kept, read: Date.now() })")
    return Watched(
        name,
        deploy,
        kept["began"],
        kept["read"],
        [_sample(sample) for sample in kept["samples"]],
        {int(quarter): count for quarter, count in kept["looks"].items()},
        [Socket(**socket) for socket in kept["sockets"]],
    )


def _sample(kept: dict[str, Any]) -> Sample:
    steps = tuple(Step(**step) for step in kept.pop("steps"))
    entries = tuple(tuple(entry) for entry in kept.pop("entries"))
    return Sample(**kept, steps=steps, entries=entries)
