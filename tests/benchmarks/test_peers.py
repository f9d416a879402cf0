"""The peer that is written in Python knows what the modal asks for: else no benchmark would begin."""

import sys

from tests.benchmarks.processes import output

# In a process of its own: the peer gives phaseline's words names of its own.
_VALIDATED = """
from graphql import parse, validate
from tests.benchmarks.crowd import PHASE_CHANGED
from tests.benchmarks.stock_strawberry import SCHEMA
print(validate(SCHEMA._schema, parse(PHASE_CHANGED)))
"""


async def test_the_peer_of_the_feed_knows_all_that_the_modal_asks_for() -> None:
    assert (await output(sys.executable, "-c", _VALIDATED)).strip() == "[]"
