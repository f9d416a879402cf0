"""Viewers who have gone: what was theirs goes with them, and does not wait until somebody looks for garbage."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.benchmarks.crowd import Wish, gathered
from tests.support.caller import Caller
from tests.support.server import serving

# More than make the server look for garbage at least once, if each of them leaves a hundred objects.
_VIEWERS = 1_500
_LEFT_BY_EACH = 10


async def test_viewers_who_have_gone_leave_no_garbage(database: Path) -> None:
    lifted = {f"{name}_per_caller": "10000" for name in ("sockets", "subscriptions")}
    async with serving(database, unknown_sockets_per_address="10000", **lifted) as server, Caller(server.url) as caller:
        deploy = await caller.start()
        before = await _collected(caller)
        async with gathered(server.url, [Wish(deploy["id"])] * _VIEWERS):
            pass
        async with gathered(server.url, [Wish(deploy["id"])] * _VIEWERS):
            pass
        assert await _collected(caller) - before < _LEFT_BY_EACH * _VIEWERS


async def _collected(caller: Caller) -> float:
    """How many objects were found to be garbage, as the server tells."""
    text = (await caller.http.get("/metrics")).text
    (family,) = (one for one in text_string_to_metric_families(text) if one.name == "python_gc_objects_collected")
    return sum(sample.value for sample in family.samples)
