"""The benchmark still runs. What it finds is not looked at: it says nothing on a machine that does other things."""

import sys

import pytest

from tests.benchmarks.processes import output

_LITTLE = "--plan least --no-page".split()


@pytest.mark.slow
async def test_the_smallest_run_compares_everything_with_its_peers() -> None:
    printed = await output(sys.executable, "-m", "tests.benchmarks", *_LITTLE)
    for words in ("bare", "Strawberry", "Node", "picows", "PostgreSQL", "auditEntries", "The modal"):
        assert words in printed
