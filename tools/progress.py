"""Run a long command so that a person sees it is alive, and sees its output only when it fails."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

HEARTBEAT = 10.0
"""Seconds between signs of life where the output is a log; a terminal gets one every second."""


class StepFailed(Exception):
    """A step of the set-up ended with an error; its output has been shown."""


def say(line: str) -> None:
    print(f"» {line}", flush=True)


def run(
    step: str,
    command: Sequence[str | Path],
    *,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Do one step of the set-up, or show what went wrong and raise StepFailed."""
    terminal = sys.stdout.isatty()
    began = time.monotonic()

    def tell(duration: str, end: str) -> None:
        """On a terminal the step's line is written over; in a log each sign of life is a line."""
        line = f"» {step} … {duration}".rstrip() if terminal or not duration else f"  … {duration}"
        print(f"\r{line}" if terminal else line, end=end if terminal else "\n", flush=True)

    tell("", "")
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**os.environ, **environment} if environment else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while True:
                try:
                    process.wait(1.0 if terminal else HEARTBEAT)
                    break
                except subprocess.TimeoutExpired:
                    tell(f"{time.monotonic() - began:.0f} s", "")
        finally:
            process.kill()  # Ctrl-C must not leave it running
        tell(f"{time.monotonic() - began:.1f} s", "\n")
        if process.returncode:
            output.seek(0)
            print(output.read().decode(errors="replace"), file=sys.stderr)
            raise StepFailed(f"{step}: exit status {process.returncode}")
