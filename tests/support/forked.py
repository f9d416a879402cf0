"""`phaseline serve` as a process of its own that need not import what it runs: that is most of what a start costs.

It is forked from a process that has done nothing but import phaseline. From there on all is as in one that was started
anew: its environment, its standard streams, its signals. Tests of commands, workers and packages start theirs anew.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__, "phaseline.cli", "phaseline.commands.server"])

# The longest line that a server may log, in bytes.
_LINE = 2**20


class Forked:
    """What `asyncio.subprocess.Process` tells and does, as far as tests of a server need it."""

    def __init__(self, process: multiprocessing.context.ForkServerProcess, stderr: asyncio.StreamReader) -> None:
        assert process.pid is not None
        self.pid = process.pid
        self.stderr = stderr
        self._process = process
        self._ended = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_reader(process.sentinel, self._end)

    @property
    def returncode(self) -> int | None:
        """Its exit code; the negative number of a signal that ended it; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal; nothing where it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Its exit code, when it has ended."""
        await asyncio.shield(self._ended)
        code = self.returncode
        assert code is not None
        return code

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._ended.set_result(None)


async def serve(environment: dict[str, str]) -> Forked:
    """Start it in exactly this environment. Its log is what comes over `stderr`."""
    reading, writing = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=_serve, args=(environment, writing))
    await asyncio.to_thread(process.start)
    writing.close()
    stderr = asyncio.StreamReader(limit=_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stderr), reading)
    return Forked(process, stderr)


def _serve(environment: dict[str, str], log: Connection) -> None:
    from phaseline.__main__ import main

    os.environ.clear()
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    os.dup2(log.fileno(), sys.stderr.fileno())
    log.close()
    sys.argv = [str(Path(sys.executable).parent / "phaseline"), "serve"]
    main()
