"""Viewers who have gone: what was theirs goes with them, and does not wait until somebody looks for garbage."""

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.benchmarks.crowd import Crowd, Wish
from tests.support.caller import Caller
from tests.support.server import serving

# More than make the server look for garbage at least once, if each of them leaves a hundred objects.
_VIEWERS = 1_500
_LEFT_BY_EACH = 10


@pytest.mark.parametrize("there_is_one", [True, False], ids=["followed", "refused"])
async def test_viewers_who_have_gone_leave_no_garbage(database: Path, there_is_one: bool) -> None:
    lifted = {f"{name}_per_caller": "10000" for name in ("sockets", "subscriptions")}
    async with serving(database, unknown_sockets_per_address="10000", **lifted) as server, Caller(server.url) as caller:
        deploy = (await caller.start())["id"] if there_is_one else "none"
        before = await _collected(caller)
        for _ in range(2):
            crowd = _Crowd()
            await crowd.join(server.url, [Wish(deploy)] * _VIEWERS)
            crowd.leave()
        assert await _collected(caller) - before < _LEFT_BY_EACH * _VIEWERS


class _Crowd(Crowd):
    """One that also takes it well to be told that there is nothing to follow."""

    def told(self, message: bytes) -> None:
        """As inherited; that it is over with that is no news."""
        if b'"complete"' not in message:
            super().told(message)


async def _collected(caller: Caller) -> float:
    """How many objects were found to be garbage, as the server tells."""
    text = (await caller.http.get("/metrics")).text
    (family,) = (one for one in text_string_to_metric_families(text) if one.name == "python_gc_objects_collected")
    return sum(sample.value for sample in family.samples)
