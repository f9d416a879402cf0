"""What operators measure of a node, and `/metrics`, where Prometheus reads it.

These are measurements and nothing else: none of them ever has a say in what a deploy is said to be. No label names a
deploy, an environment or a caller, so the number of series does not grow with use. docs/metrics.md lists them all.
"""

import asyncio
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from tempfile import TemporaryDirectory
from typing import Literal, get_args

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from sqlalchemy import QueuePool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Transport = Literal["websocket", "sse"]
Field = Literal["phaseChanged", "auditEntryAdded"]
Source = Literal["local", "notify", "poll"]
Kind = Literal["read", "write"]
Reason = Literal["too slow"]
Way = Literal["token", "provider"]
Delivery = Literal["recorded", "nothing new", "duplicate", "asked", "ignored"]
Dispatch = Literal["sent", "found", "refused", "unclear", "put off"]
Limited = Literal["callbacks", "starts", "reads", "unproven", "sign_ins", "refused_callbacks"]

PATH = "/metrics"

# prometheus-client's own variable: the folder in which the workers of one address put their measurements together.
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

disable_created_metrics()  # type: ignore[no-untyped-call]

_callbacks = Counter("phaseline_callbacks_total", "Callbacks, by what their caller was answered.", ["answer"])
_sign_ins = Counter("phaseline_sign_ins_total", "Attempts of browsers to sign in, by their end.", ["way", "answer"])
_deliveries = Counter("phaseline_webhook_deliveries_total", "Webhooks of GitHub's, by what came of them.", ["answer"])
_dispatches = Counter("phaseline_dispatches_total", "Runs that GitHub was asked for, by what came of it.", ["outcome"])
_rate_limited = Counter("phaseline_rate_limited_total", "What was refused because there was too much of it.", ["kind"])
_deploys_started = Counter("phaseline_deploys_started_total", "Deploys that were started.")
_viewers = Gauge(
    "phaseline_viewers", "Open sockets and streams of viewers.", ["transport"], multiprocess_mode="livesum"
)
_subscriptions = Gauge("phaseline_subscriptions", "Running subscriptions.", ["field"], multiprocess_mode="livesum")
_executed = Counter("phaseline_events_executed_total", "Events that were executed, each for all who ask the same.")
_cut_off = Counter("phaseline_viewers_cut_off_total", "Viewers whose connection the server ended.", ["reason"])
_wakeups = Counter("phaseline_wakeups_total", "Wake-ups, by where they came from.", ["source"])
_listen_reconnects = Counter(
    "phaseline_listen_reconnects_total", "How often the connection that listens to PostgreSQL was tried anew."
)
_feed_lag = Histogram(
    "phaseline_feed_lag_seconds", "From a wake-up until what it announced is known.", buckets=_SECONDS
)
_push = Histogram(
    "phaseline_push_seconds", "From an entry being recorded to its being handed to a connection.", buckets=_SECONDS
)
_database = Histogram("phaseline_database_seconds", "Whole transactions, waiting included.", ["kind"], buckets=_SECONDS)
_database_errors = Counter("phaseline_database_errors_total", "Transactions that the database ended with an error.")
_pool = Gauge("phaseline_pool_connections", "Connections in the pool.", ["state"], multiprocess_mode="livesum")
_pool_size = Gauge("phaseline_pool_size", "Connections that the pool opens at most.", multiprocess_mode="livesum")
_build = Gauge("phaseline_build_info", "Always 1.", ["version", "python"], multiprocess_mode="livemax")

# There from the start, as a nought: what begins with its first event has no rate before the second.
for _metric, _label in (
    (_viewers, Transport),
    (_subscriptions, Field),
    (_cut_off, Reason),
    (_deliveries, Delivery),
    (_dispatches, Dispatch),
    (_rate_limited, Limited),
    (_wakeups, Source),
    (_database, Kind),
):
    for _value in get_args(_label):
        _metric.labels(_value)
# When each event was handed to a connection since the last were counted, and when its entry was recorded.
_pushes: list[tuple[float, datetime]] = []

# Looking a series up by its labels takes longer than to set it, and these are set several times with each operation.
_in_use, _idle = _pool.labels("in_use"), _pool.labels("idle")
_transactions = {kind: _database.labels(kind) for kind in get_args(Kind)}
for _answer in ("accepted", "duplicate", "UNAUTHENTICATED", "FORBIDDEN", "UNAVAILABLE", "INTERNAL_SERVER_ERROR"):
    _callbacks.labels(_answer)
for _way in get_args(Way):
    for _answer in ("accepted", "UNAUTHENTICATED", "FORBIDDEN"):
        _sign_ins.labels(_way, _answer)


def callback(answer: str) -> None:
    """A callback was answered: `accepted`, `duplicate`, or the code of a refusal."""
    _callbacks.labels(answer).inc()


def sign_in(way: Way, answer: str) -> None:
    """A browser was signed in (`accepted`), or not: the code of the refusal."""
    _sign_ins.labels(way, answer).inc()


def delivery(answer: str) -> None:
    """A webhook was answered: with what came of it, or the code of a refusal."""
    _deliveries.labels(answer).inc()


def dispatch(outcome: Dispatch) -> None:
    """GitHub was asked for a run, or looked through for one."""
    _dispatches.labels(outcome).inc()


def github_answers(answers: bool) -> None:
    """Whether GitHub answered this node when it was last asked."""
    _github_answers().set(answers)


def rate_limited(kind: str) -> None:
    """Something was refused because there was too much of it."""
    _rate_limited.labels(kind).inc()


def deploy_started() -> None:
    """A deploy was started."""
    _deploys_started.inc()


@contextmanager
def viewer(transport: Transport) -> Iterator[None]:
    """A socket or stream is open, for as long as the block runs."""
    with _viewers.labels(transport).track_inprogress():
        yield


@contextmanager
def subscription(field: Field) -> Iterator[Callable[[datetime], None]]:
    """A subscription runs, for as long as the block does.

    What is given to the block is to be told of each entry that was handed to the connection: when it was recorded.
    Those recorded before the subscription began are history, and not late.
    """
    began = datetime.now(UTC)

    def pushed(recorded_at: datetime) -> None:
        if recorded_at >= began:
            if not _pushes:
                asyncio.get_running_loop().call_soon(_observe_pushes)
            _pushes.append((time.time(), recorded_at))

    with _subscriptions.labels(field).track_inprogress():
        yield pushed


def _observe_pushes() -> None:
    """Count what has been handed over, when everybody has been told: to count takes as long as to tell some of them."""
    told = _pushes[:]
    _pushes.clear()
    for handed_over, recorded_at in told:
        _push.observe(max(0.0, handed_over - recorded_at.timestamp()))


def executed() -> None:
    """An event was executed for a group of subscriptions."""
    _executed.inc()


def cut_off(reason: Reason) -> None:
    """The server ended a viewer's connection."""
    _cut_off.labels(reason).inc()


def wakeup(source: Source) -> None:
    """A wake-up came from this process, from another node, or from a look at the log."""
    _wakeups.labels(source).inc()


def listening(up: bool) -> None:
    """Whether the connection that listens to PostgreSQL is there."""
    _listening().set(up)


def listen_again() -> None:
    """That connection has gone or could not be had, and is tried anew."""
    _listen_reconnects.inc()


def feed_lag(woken: float) -> None:
    """What a wake-up announced that came at `woken` is known, by `time.monotonic()`."""
    _feed_lag.observe(time.monotonic() - woken)


@contextmanager
def transaction(kind: Kind, pool: QueuePool) -> Iterator[None]:
    """A transaction, from asking for a connection to giving it back."""
    began = time.monotonic()
    try:
        yield
    finally:
        _transactions[kind].observe(time.monotonic() - began)
        measure(pool)


def database_error() -> None:
    """The database ended a transaction with an error."""
    _database_errors.inc()


def measure(pool: QueuePool) -> None:
    """How full the pool is.

    Told and not asked for: where several workers share an address, the one that is scraped cannot ask the others.
    """
    _in_use.set(pool.checkedout())
    _idle.set(pool.checkedin())
    _pool_size.set(pool.size() + pool._max_overflow)


@contextmanager
def shared() -> Iterator[None]:
    """A folder for the workers that are started while the block runs, so that whichever is scraped tells of all.

    A worker has to import this module anew, in a process that was not forked from one that already had.
    """
    with TemporaryDirectory(prefix="phaseline-metrics-") as folder:
        os.environ[_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[_FOLDER]


def worker_ended(process: int) -> None:
    """What a worker had open is open no longer; what it has counted stays."""
    if _FOLDER in os.environ:
        mark_process_dead(process)  # type: ignore[no-untyped-call]


def route() -> Route:
    """`/metrics`, in the format that the scraper asks for."""
    _build.labels(version("phaseline"), platform.python_version()).set(1)

    def metrics(request: Request) -> Response:
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(_registry()), headers={"content-type": media_type})

    return Route(PATH, metrics)


def _registry() -> CollectorRegistry:
    """This process's measurements, or those of all workers together."""
    if _FOLDER not in os.environ:
        return REGISTRY
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together


@cache
def _listening() -> Gauge:
    """Made when it is first told of, so that there is none where nothing listens."""
    return Gauge("phaseline_listening", "1 while PostgreSQL is listened to.", multiprocess_mode="livemin")


@cache
def _github_answers() -> Gauge:
    """The same, where GitHub is not asked."""
    return Gauge("phaseline_github_answers", "0 while GitHub gives no answers.", multiprocess_mode="livemin")
