"""The benchmark still runs. What it finds is not looked at: it says nothing on a machine that does other things."""

import sys

import pytest

from tests.benchmarks.processes import output

_LITTLE = "--rounds 1 --callbacks 32 --viewers 3 --events 1 --no-page".split()


@pytest.mark.slow
async def test_the_smallest_run_compares_callbacks_and_events_with_their_peers() -> None:
    printed = await output(sys.executable, "-m", "tests.benchmarks", *_LITTLE)
    assert "bare" in printed
    assert "Strawberry" in printed
