"""Whether this process lives, and whether it can do its work."""

import asyncio

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import JSONResponse

from phaseline import revisions
from phaseline.stopping import Stopping
from phaseline.store import Store, is_unavailable

PATHS = ("/healthz", "/readyz")

# A probe that waits longer than this tells its caller nothing.
_SECONDS = 3.0


def routes(store: Store, accepted_revision: str | None, stopping: Stopping) -> APIRouter:
    """`/healthz` and `/readyz`."""
    router = APIRouter()

    @router.get("/healthz", summary="The process lives.")
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @router.get("/readyz", summary="It takes work: the database answers and is at the right revision.")
    async def readyz() -> JSONResponse:
        if stopping.begun:
            return JSONResponse({"status": "stopping"}, 503)
        try:
            async with asyncio.timeout(_SECONDS):
                revision, only_reads = await asyncio.shield(looking())
        except revisions.WrongRevision as error:
            return JSONResponse({"status": "wrong revision", "detail": str(error)}, 503)
        except Exception as error:
            if not is_unavailable(error):
                raise
            return JSONResponse({"status": "the database does not answer"}, 503)
        if only_reads:
            return JSONResponse({"status": "the database takes no writes"}, 503)
        return JSONResponse({"status": "ok", "revision": revision})

    under_way: asyncio.Task[tuple[str, bool]] | None = None

    def looking() -> asyncio.Task[tuple[str, bool]]:
        """One look for all who ask meanwhile: probes that gave up waiting would fill the pool with their own."""
        nonlocal under_way
        if under_way is None or under_way.done():
            under_way = asyncio.create_task(store.read(look))
            under_way.add_done_callback(lambda look: look.cancelled() or look.exception())  # somebody may have heard it
        return under_way

    async def look(connection: AsyncConnection) -> tuple[str, bool]:
        revision = await revisions.require(connection, accepted_revision)
        return revision, await store.database.only_reads(connection)

    return router
