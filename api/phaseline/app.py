"""All wiring: which part is given which other part."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL

from phaseline import graph, health, pages, revisions
from phaseline.context import Context, OnStarted, Services
from phaseline.endpoint import Endpoint, on_http_exception
from phaseline.feed import Feed
from phaseline.identity import ANONYMOUS
from phaseline.limits import BodyLimit
from phaseline.operations.schema import SCHEMA
from phaseline.settings import Settings
from phaseline.store import Store


def create_app(settings: Settings, on_started: OnStarted | None = None) -> FastAPI:
    """The server as an ASGI application.

    It opens the database when it starts, and refuses to start where the revision is wrong.
    """
    store = Store(settings.database_url)
    feed = Feed(settings.poll_seconds)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await revisions.prepare(store, settings.accept_revision)
        async with store.reading() as connection:
            pipelines = await graph.in_force(connection)
        app.state.services = Services(store, feed, pipelines, on_started)
        try:
            yield
        finally:
            await store.close()

    def context() -> Context:
        return Context(app.state.services, ANONYMOUS)

    app = FastAPI(title="phaseline", lifespan=lifespan, openapi_url=None)
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["content-type"],
    )
    endpoint = Endpoint(
        SCHEMA,
        graphql_ide=None,
        context_getter=context,
        subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL],
        connection_init_wait_timeout=timedelta(seconds=10),
        allowed_origins=settings.allowed_origins,
    )
    app.include_router(endpoint, prefix="/graphql")
    app.include_router(health.routes(store, settings.accept_revision))
    pages.mount(app)
    return app
