"""All wiring: which part is given which other part."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL

from phaseline import files, health, metrics, pages, revisions, signing_in, webhooks
from phaseline.accounting.hearing import Hearing
from phaseline.accounting.reconciling import Reconciler
from phaseline.background import in_background
from phaseline.callers.asking import Asking
from phaseline.callers.github import IdTokens
from phaseline.callers.leases import Leases
from phaseline.callers.resolver import Resolver
from phaseline.context import Context, OnStarted, Services
from phaseline.dispatching.choosing import Choosing
from phaseline.dispatching.dispatcher import Dispatcher
from phaseline.dispatching.finding import Finding
from phaseline.dispatching.sending import Sending
from phaseline.dispatching.steering import Steering
from phaseline.door import Door
from phaseline.endpoint import Endpoint, on_fault, on_http_exception, on_refusal
from phaseline.environments.calling import client
from phaseline.feed import Feed
from phaseline.graph import GraphCache
from phaseline.headers import SecurityHeaders
from phaseline.limits import BodyLimit, SignInRate
from phaseline.notifications import Notifications
from phaseline.operations.schema import SCHEMA
from phaseline.places import Places
from phaseline.rates import rates
from phaseline.settings import Settings
from phaseline.signing_in import SigningIn
from phaseline.sockets import Sockets
from phaseline.stopping import Stopping
from phaseline.store import Store
from phaseline.tails import Tails
from phaseline.watch import Watch
from phaseline_schema.refusals import Refusal, TooManySockets, TooManySubscriptions

# Where GraphQL is spoken, over HTTP and over WebSockets.
_GRAPHQL = "/graphql"


class App(FastAPI):
    """FastAPI, past which sockets are led: of all that stands before a route, nothing is meant for them."""

    sockets: Sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As inherited, or open a socket, without waiting for anything: meanwhile its viewer could go."""
        if scope["type"] == "websocket":
            self.sockets.open(scope)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings, on_started: OnStarted | None = None) -> FastAPI:
    """The server as an ASGI application.

    It opens the database when it starts, and refuses to start where the revision is wrong.
    """
    store = Store(settings.database_url, settings.pool_size)
    feed = Feed()
    watch = Watch(store, feed, settings.poll_seconds)
    leases = Leases(store, settings.poll_seconds)
    secret = settings.provider_secret
    read = files.read(settings)
    trusted = read.trust
    id_tokens = IdTokens(trusted.github) if trusted.github is not None else None
    counted = rates(settings)
    resolver = Resolver(
        store, id_tokens, Asking(counted), settings.public_url, required=settings.authentication == "on"
    )
    graphs = GraphCache(settings.accept_revision)
    hearing = Hearing(store, feed, graphs, read.where)
    listeners = [watch.run, leases.run]
    github = None if read.environments is None or read.github is None else client(read.environments, read.github)
    reconciler = None if github is None else Reconciler(store, github, hearing, settings.reconcile_seconds)
    ask_soon: Callable[[str], None] = _nothing
    dispatch_soon: Callable[[], None] = _nothing
    if reconciler is not None:
        ask_soon = reconciler.ask_soon
        listeners.append(reconciler.run)
    if github is not None and read.environments is not None:
        finding = Finding(store, github, hearing.where, settings.reconcile_seconds, ask_soon)
        sending = Sending(store, feed, graphs, github, read.environments, ask_soon, finding.look_soon)
        dispatcher = Dispatcher(store, sending, settings.poll_seconds)
        feed.overhear(dispatcher.hear)
        dispatch_soon = dispatcher.look_soon
        listeners += [dispatcher.run, finding.run]
    if store.database.listen is not None:
        notifications = Notifications(store.database.listen, feed, watch.look_soon)
        feed.connect(notifications.tell)
        listeners.append(notifications.run)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await revisions.prepare(store, settings.accept_revision)
        app.state.services = Services(
            store,
            feed,
            Tails(store, feed, graphs),
            graphs,
            leases,
            counted,
            Places(settings.sockets_per_caller, partial(TooManySockets, "the caller")),
            Places(settings.unknown_sockets_per_address, partial(TooManySockets, "your address")),
            Places(settings.subscriptions_per_caller, TooManySubscriptions),
            settings.operation_seconds,
            Steering(store, feed, graphs, hearing.where, github, ask_soon),
            Choosing(github, read.environments),
            introspection=settings.introspection,
            on_started=on_started,
            environments=read.environments,
            github=github,
            dispatch_soon=dispatch_soon,
        )
        try:
            async with in_background(*listeners):
                yield
        finally:
            await resolver.finish()
            await store.close()
            if github is not None:
                await github.aclose()

    async def context(connection: HTTPConnection) -> Context:
        identity = await resolver.of_request(connection)
        too_many = counted.unproven(identity.problem, connection) if identity.problem else None
        if too_many is not None:
            raise too_many
        return Context(app.state.services, identity)

    # Starlette would lead from `/graphql/` to `/graphql` at whatever host the caller has named.
    app = App(title="phaseline", lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    stopping = app.state.stopping = Stopping()
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_exception_handler(Refusal, on_refusal)
    app.add_exception_handler(Exception, on_fault)
    hears = settings.github_webhook_secret is not None
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes, larger=webhooks.LARGER if hears else {})
    if hears:
        app.add_middleware(webhooks.SignedOnly, rates=counted)
    app.add_middleware(SignInRate, rates=counted)
    app.add_middleware(Door, stopping=stopping, always_open=(*health.PATHS, metrics.PATH))
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type"],
        # Else the page of another site cannot see when it may come again.
        expose_headers=["retry-after"],
    )
    app.add_middleware(SecurityHeaders, public_url=settings.public_url)
    endpoint = Endpoint(
        SCHEMA,
        stopping,
        context,
        graphql_ide=None,
        subscription_protocols=[GRAPHQL_SSE_PROTOCOL],
        allowed_origins=settings.allowed_origins,
    )
    app.router.routes.extend(endpoint.routes_at(_GRAPHQL))
    app.sockets = Sockets(
        _GRAPHQL,
        SCHEMA,
        lambda: app.state.services,
        resolver,
        stopping,
        endpoint.admits,
        endpoint.decode_json,
        settings.operations_per_socket,
    )
    app.include_router(health.routes(store, settings.accept_revision, stopping))
    signing = SigningIn(store, timedelta(hours=settings.sign_in_hours), settings.public_url)
    app.include_router(signing_in.routes(resolver, counted, signing, settings.authentication, trusted.provider))
    if trusted.provider is not None and secret is not None and settings.public_url is not None:
        # Here, because a server without a provider needs none of it.
        from phaseline.signing_in import provider

        app.router.routes.extend(
            provider.routes(trusted.provider, secret.get_secret_value(), settings.public_url, signing)
        )
    if settings.github_webhook_secret is not None:
        signed_with = settings.github_webhook_secret.get_secret_value()
        app.router.routes.append(webhooks.route(signed_with, hearing, counted, ask_soon))
    if settings.metrics:
        app.router.routes.append(metrics.route())
    pages.mount(app)
    if settings.graphiql:
        pages.mount_graphiql(app)
    return app


def _nothing(*_: str) -> None:
    """Where GitHub is not called, there is nobody to be told."""
