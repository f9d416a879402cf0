"""Callers of two nodes who send at once whatever they like: log, rows, answers and events agree with the model."""

import asyncio
from collections import Counter

import hypothesis
import pytest
from hypothesis import strategies as st

from tests.conformance.conftest import Nodes, on_one_of_each
from tests.support import logs, model
from tests.support.caller import Answer
from tests.support.consistency import assert_consistent

# Of two deploys, to one of two nodes: a status and an attempt. The likely ones come in the order in which they lie.
_CALLS = st.tuples(
    st.integers(0, 1),
    st.integers(0, 1),
    st.sampled_from([*model.STATUSES[1:], *model.GATES, "building", "deploying", "paused"]),
    st.sampled_from([1, 1, 1, 2, 3]),
)
_WAVES = st.lists(st.lists(_CALLS, min_size=1, max_size=6), min_size=1, max_size=8)


@on_one_of_each
@pytest.mark.timeout(300)  # a failure takes its time until it is small
@hypothesis.settings(max_examples=5)
@hypothesis.given(waves=_WAVES)
async def test_whatever_is_sent_at_once_all_that_is_kept_and_told_agrees(
    nodes: Nodes, waves: list[list[tuple[int, int, str, int]]]
) -> None:
    started = [(await caller.start())["id"] for caller in nodes.callers]
    before = dict.fromkeys(started, 1)
    for wave in waves:
        answers = await asyncio.gather(
            *(nodes.callers[node].report(started[which], status, attempt) for which, node, status, attempt in wave)
        )
        kept = await logs.read(nodes.database)
        for which, deploy_id in enumerate(started):
            new = kept[deploy_id].entries[before[deploy_id] :]
            mine = [
                (status, attempt, answer)
                for (of, _, status, attempt), answer in zip(wave, answers, strict=True)
                if of == which
            ]
            assert Counter(_made(*sent) for sent in mine if not _is_duplicate(sent[-1])) == Counter(
                (entry["to_status"], entry["attempt"], entry["refusal"]) for entry in new
            )
            before[deploy_id] += len(new)
    urls = [server.url for server in nodes.servers]
    await assert_consistent(nodes.database, *urls, only=started)


def _is_duplicate(answer: Answer) -> bool:
    return answer.status == 200 and bool(answer.data["applyCallback"]["duplicate"])


def _made(status: str, attempt: int, answer: Answer) -> tuple[str, int, str | None]:
    """The entry that a callback made, by its answer."""
    assert answer.status in (200, 422), answer
    if answer.status == 200:
        entry = answer.data["applyCallback"]["entry"]
        assert (entry["toStatus"], entry["attempt"]) == (status, attempt)
    return status, attempt, answer.code
