"""The processes of this machine."""

import asyncio
import subprocess
from pathlib import Path


async def children(parent: int) -> list[int]:
    """The processes that this one has made and that are still there."""
    return await asyncio.to_thread(_children, parent)


def _children(parent: int) -> list[int]:
    return [process for process, made_by in _all() if made_by == parent]


def _all() -> list[tuple[int, int]]:
    """Every process with its parent: from /proc, because small machines have no `ps`, and macOS no /proc."""
    if not Path("/proc/self/stat").exists():
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        return [(int(process), int(parent)) for process, parent in map(str.split, listed.splitlines())]
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        # The second field is a name in brackets, which may hold spaces and brackets; the parent is the fourth.
        found.append((int(stat.parent.name), int(text.rsplit(")", 1)[1].split()[1])))
    return found
