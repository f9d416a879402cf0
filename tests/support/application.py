"""The application in this process: for tests that count its statements, or need a log of their own at little cost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from phaseline.app import create_app
from phaseline.settings import Settings
from tests.support import logins
from tests.support.caller import Caller
from tests.support.database import address


@asynccontextmanager
async def in_this_process(
    database: Path | str, accept_revision: str | None = None, **more: Any
) -> AsyncIterator[Caller]:
    """A caller of an application that runs here, with these settings beside its own."""
    found = Settings(database_url=address(database), accept_revision=accept_revision, poll_seconds=3600, **more)
    app = create_app(found)
    async with app.router.lifespan_context(app), Caller("http://app") as caller:
        await logins.write(database)
        await caller.http.aclose()
        caller.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=caller.url)
        yield caller
