"""How much is measured: in a run for the page, in a quick one, and in the least that still measures everything."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Numbers of rounds, and how large a round of each kind is. Where one takes long there are fewer, `long_rounds`."""

    rounds: int
    viewers: tuple[int, ...]
    events: int
    deploys: int
    viewers_each: int
    steps: int
    storm: int
    long_rounds: int
    callbacks: int
    entries: tuple[int, int]
    postgresql_pages: bool


PLANS = {
    "full": Plan(
        rounds=5,
        viewers=(1000, 5000),
        events=3,
        deploys=500,
        viewers_each=10,
        steps=4,
        storm=5000,
        long_rounds=3,
        callbacks=960,
        entries=(10_000, 5_000_000),
        postgresql_pages=True,
    ),
    "quick": Plan(
        rounds=1,
        viewers=(400,),
        events=1,
        deploys=50,
        viewers_each=10,
        steps=2,
        storm=400,
        long_rounds=1,
        callbacks=192,
        entries=(10_000, 200_000),
        postgresql_pages=False,
    ),
    "least": Plan(
        rounds=1,
        viewers=(5,),
        events=1,
        deploys=2,
        viewers_each=2,
        steps=1,
        storm=10,
        long_rounds=1,
        callbacks=64,
        entries=(10_000, 20_000),
        postgresql_pages=False,
    ),
}
