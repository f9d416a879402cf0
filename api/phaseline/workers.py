"""Serves from several processes on one address: starts them, starts them again, and ends them in good order.

Each worker is a node with a feed of its own. It is told nothing but the settings, by the environment, and which socket
to accept on. Its standard input is open for as long as this process lives; its standard output says when it serves.
"""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread
from types import FrameType

import structlog
from fastapi import FastAPI

from phaseline import metrics, serving
from phaseline.settings import Settings

log = structlog.get_logger(__name__)

_SERVING = b"serving\n"

# How long to wait before a worker is started in the place of one that never came to serve, in seconds.
_PAUSE = 1.0

# How much longer than they may take the workers are waited for, in seconds.
_MARGIN = 1.0


def run(settings: Settings, listener: socket.socket) -> int:
    """Serve until a signal ends it. The exit code: 0, or 1 where the workers do not even start."""
    with metrics.shared():  # sets a variable, which the workers inherit
        return asyncio.run(_Workers(settings, listener).run())


class _Workers:
    """The workers that run. One that ends is replaced, for as long as nobody has asked for the end of all."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._settings = settings
        self._listener = listener
        self._running: set[Process] = set()
        self._to_begin = settings.workers
        self._stop = asyncio.Event()
        self._at_once = asyncio.Event()
        self._exit_code = 0

    async def run(self) -> int:
        """Serve until a signal comes. A second one, or too long a wait, kills what has not ended by then."""
        for ending in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(ending, self._asked)
        places = asyncio.gather(*(self._keep() for _ in range(self._settings.workers)))
        at_once = asyncio.create_task(self._at_once.wait())
        await self._stop.wait()
        self._listener.close()  # so that nobody waits in its queue when the workers have closed theirs
        self._signal(signal.SIGTERM)
        patience = self._settings.grace_seconds + _MARGIN
        await asyncio.wait((places, at_once), timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        self._signal(signal.SIGKILL)
        await places
        at_once.cancel()
        log.info("stopped")
        return self._exit_code

    def _asked(self) -> None:
        (self._at_once if self._stop.is_set() else self._stop).set()

    def _signal(self, number: int) -> None:
        for worker in self._running:
            with suppress(ProcessLookupError):
                worker.send_signal(number)

    async def _keep(self) -> None:
        """Keep one worker running."""
        has_begun = False
        while not self._stop.is_set():
            worker = await self._start()
            serves = await _serves(worker)
            if serves and not has_begun:
                has_begun = True
                self._begun()
            code = await worker.wait()
            self._running.discard(worker)
            metrics.worker_ended(worker.pid)
            if self._stop.is_set():
                return
            log.warning("worker ended", worker=worker.pid, code=code)
            if not serves and self._to_begin:  # and would not the next time either
                self._exit_code = 1
                self._stop.set()
            elif not serves:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), _PAUSE)

    async def _start(self) -> Process:
        number = self._listener.fileno()
        worker = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "phaseline", "worker", str(number)),
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=[number],
            process_group=0,  # Ctrl-C in a terminal is for this process alone
        )
        self._running.add(worker)
        if self._stop.is_set():  # meanwhile
            self._signal(signal.SIGTERM)
        return worker

    def _begun(self) -> None:
        self._to_begin -= 1
        if not self._to_begin:
            log.info("serving", address=serving.address(self._listener), workers=self._settings.workers)


async def _serves(worker: Process) -> bool:
    """Wait until it serves; False where it ends instead."""
    assert worker.stdout is not None
    if await worker.stdout.readline() != _SERVING:
        return False
    log.info("worker serves", worker=worker.pid)
    return True


def work(app: FastAPI, settings: Settings, listener: socket.socket) -> None:
    """Be a worker: serve until the process that started this one says so, or has gone."""
    structlog.contextvars.bind_contextvars(worker=os.getpid())
    Thread(target=_outlive, daemon=True).start()
    serving.run_until_stopped(_Worker(app, settings, _tell), listener)


def _outlive() -> None:
    """Wait for the end of the process that started this one, and end in good order too."""
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _tell() -> None:
    os.write(sys.stdout.fileno(), _SERVING)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads the pipe any more


class _Worker(serving.Process):
    def __init__(self, app: FastAPI, settings: Settings, on_ready: Callable[[], None]) -> None:
        super().__init__(app, settings, on_ready)
        self._is_told = Lock()  # never released

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """As inherited, once: a service manager may signal all processes, and then the first signals the others.

        The second may come while the first is being dealt with: so what tells them apart is taken in one step.
        """
        if sig == signal.SIGTERM and self._is_told.acquire(blocking=False):
            super().handle_exit(sig, frame)
