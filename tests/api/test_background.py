"""What goes on beside the requests goes on, whatever befalls it."""

import asyncio

import pytest
import structlog.testing

from phaseline import background
from phaseline.background import in_background


@pytest.mark.parametrize("trouble", [ValueError("nonsense"), asyncio.CancelledError(), None], ids=repr)
async def test_work_that_breaks_off_is_begun_again(
    monkeypatch: pytest.MonkeyPatch, trouble: BaseException | None
) -> None:
    monkeypatch.setattr(background, "_PAUSE", 0)
    begun = 0
    again = asyncio.Event()

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            if trouble is not None:
                raise trouble
            return
        again.set()
        await asyncio.Event().wait()

    with structlog.testing.capture_logs() as logged:
        async with asyncio.timeout(5), in_background(work):
            await again.wait()
    assert begun == 2
    assert [line["log_level"] for line in logged] == (["error"] if trouble else [])
