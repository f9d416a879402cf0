"""What the commands that serve do. They alone need the application, which takes as long to import as all the rest."""

import gc
import socket

import typer
from fastapi import FastAPI

from phaseline import files, revisions, serving, workers
from phaseline.app import create_app
from phaseline.commands import notices
from phaseline.commands.beginning import configured, failure, with_store
from phaseline.settings import Settings
from phaseline.store import Store
from phaseline.toml.reading import FileError

# How many objects more than after the last search make another one for garbage among the youngest, and how many such
# searches one among those that have outlived them. Python's own 700 are made by a few callbacks under way: each search
# then hands what is still needed on to the older ones, until everything that viewers hold is searched, once a second.
_GARBAGE = (25_000, 3, 5)


def prepared(found: Settings) -> socket.socket:
    """Make the database ready and the address ours, or say in one line why that cannot be."""
    try:
        read = files.read(found)
    except FileError as error:
        raise failure(str(error)) from None

    async def prepare(store: Store) -> socket.socket:
        await revisions.prepare(store, found.accept_revision)
        listener = serving.listen(found)
        await notices.give(store, found, read)
        return listener

    try:
        return with_store(found, prepare)
    except serving.AddressUnusable as error:
        raise failure(str(error)) from None


def serve() -> None:
    """Serve in this process, or in as many as the settings say."""
    found = configured()
    listener = prepared(found)
    if found.workers > 1:
        raise typer.Exit(workers.run(found, listener))
    serving.run(_application(found), found, listener)


def work(descriptor: int) -> None:
    """Serve as one of several, on a socket that is open already."""
    found = configured()
    workers.work(_application(found), found, socket.socket(fileno=descriptor))


def _application(found: Settings) -> FastAPI:
    """The application. What was imported for it stays until the process ends, so no garbage is looked for in it."""
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
    return create_app(found)
