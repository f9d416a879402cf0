"""The `phaseline` command."""

import asyncio
import os
import sys
import webbrowser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from phaseline import building, revisions, settings
from phaseline.commands import audit, token
from phaseline.commands.beginning import configured, console, failure, remark, with_store
from phaseline.commands.environments import environments
from phaseline.commands.sign_out import sign_out
from phaseline.store import Store
from phaseline_schema import diagram as drawing
from phaseline_schema.pipelines import PIPELINES

app = typer.Typer(
    help="Shows which lines a deploy has reported crossing, and nothing else.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(token.app, name="token")
app.command("sign-out")(sign_out)
app.command("environments")(environments)
app.add_typer(audit.app, name="audit")


# Modules that a command alone needs, and that take long to import, are imported in its function: `phaseline token list`
# is not to wait for a server that it does not start.


@app.command()
def serve() -> None:
    """Serve the API and the console page. An empty database is migrated first."""
    from phaseline.commands import server

    server.serve()


@app.command(hidden=True)
def worker(descriptor: int) -> None:
    """One of the processes that `serve` starts: serves on a socket that is open already."""
    from phaseline.commands import server

    server.work(descriptor)


@app.command()
def migrate(
    to: Annotated[str, typer.Option(help="The revision to go to, up or down.")] = "head",
) -> None:
    """Bring the database to the newest revision, or to another one."""

    def tell(index: str) -> None:
        remark(f"making {index}: servers go on, and transactions that are open are waited for")

    async def run(store: Store) -> tuple[str | None, str | None]:
        await building.build(store, to, tell)
        async with store.migrating() as connection:
            before = await revisions.current(connection)
            await revisions.migrate(connection, to)
            return before, await revisions.current(connection)

    before, after = with_store(configured(), run)
    console.print(f"database: {before or 'empty'} -> {after or 'empty'}", highlight=False)


def _has_screen() -> bool:
    """Whether a browser would open in a window, and not take over this terminal."""
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes a free one.")] = 8000,
    fail: Annotated[
        str | None,
        typer.Option(help="What fails in every deploy: smoke, freeze, build, deploy or health."),
    ] = None,
    pause: Annotated[float, typer.Option(help="How long each command takes, in seconds.")] = 4.0,
    database: Annotated[Path, typer.Option(help="Where the demo keeps its log.")] = Path(".cache/demo.db"),
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Serve on this machine, and run the deploy workflow here for every deploy you start."""
    from phaseline.commands import server
    from phaseline.demo import GATES, RunnerMissing
    from phaseline.demo.login import begin, end
    from phaseline.demo.opening import leading_to
    from phaseline.demo.session import FAILING_REF, Demo
    from phaseline.demo.workspace import find_act

    # Whoever else is trusted, and whatever address others reach this machine by, is not the demo's. It runs what
    # people type, so it is for this machine alone.
    own: dict[str, Any] = {"authentication": "on", "host": "127.0.0.1", "public_url": None}
    own |= {"trust_file": None, "environments_file": None}
    found = configured(database_url=f"sqlite:///{database}", port=port, log_format="console", **own)
    if fail is not None and fail not in GATES:
        raise failure(f"there is no gate {fail!r} to fail; there are: {', '.join(GATES)}")
    try:
        find_act()
    except RunnerMissing as error:
        raise failure(str(error)) from None
    database.parent.mkdir(parents=True, exist_ok=True)
    with_store(found, revisions.renew)  # it may be there from an older version's demo

    def ready(page: str) -> None:
        refs = "\n".join(f"    {FAILING_REF}{gate}" for gate in GATES)
        console.print(
            f"\n  phaseline is at [bold link={page}]{page}[/]\n"
            "  (this link signs in whoever opens it, until the demo ends)\n\n"
            "  Start a deploy there and watch it: the deploy workflow runs on this machine.\n"
            f"  A deploy of one of these refs fails in that place:\n{refs}\n\n"
            "  Ctrl-C ends the demo.\n",
            highlight=False,
            soft_wrap=True,
        )
        if browser and _has_screen():
            webbrowser.open(leading_to(page, Path(own_folder)))

    login = with_store(found, begin)
    try:
        listener = server.prepared(found)
        # Not among the system's temporary files: browsers in a sandbox of their own do not see those.
        with TemporaryDirectory(prefix="phaseline-demo-", dir=database.parent.resolve()) as own_folder:
            asyncio.run(Demo(found, listener, pause, fail, login).serve(ready))
    finally:
        with_store(found, lambda store: end(store, login))


@app.command("settings")
def listconfigured(
    markdown: Annotated[bool, typer.Option("--markdown", help="As a page of the documentation.")] = False,
) -> None:
    """List the environment variables that can be set."""
    rows = [
        (name, str(default) if default not in (None, "", ()) else "–", meaning)
        for name, default, meaning in settings.described()
    ]
    if markdown:
        typer.echo("# Settings\n\nGenerated from `settings.py` by `make generate`; do not edit.\n")
        typer.echo("Environment variables. An unknown or wrong one is an error at start.\n")
        typer.echo("| variable | default | meaning |\n|---|---|---|")
        for name, default, meaning in rows:
            typer.echo(f"| `{name}` | {default if default == '–' else f'`{default}`'} | {meaning} |")
        return
    # A name that is broken in two cannot be found or copied.
    table = Table(Column("Variable", no_wrap=True), "Default", "Meaning")
    for row in rows:
        table.add_row(*row)
    console.print(table)


@app.command()
def sdl() -> None:
    """Print the GraphQL schema."""
    from phaseline.operations.schema import SCHEMA

    typer.echo(SCHEMA.as_str())


@app.command()
def diagram(
    pipeline: Annotated[str, typer.Argument(help="Which pipeline.")] = "console",
) -> None:
    """Print a page on a pipeline's transition graph, with its diagram."""
    if pipeline not in PIPELINES:
        raise failure(f"there is no pipeline {pipeline!r}; there are: {', '.join(PIPELINES)}")
    typer.echo(drawing.page(PIPELINES[pipeline]))
