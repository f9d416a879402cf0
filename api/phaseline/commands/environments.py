"""`phaseline environments`: what the environments file says, as it is understood, or every mistake in it."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from phaseline import files
from phaseline.commands.beginning import configured, console, remark
from phaseline.environments.file import Claims, Environment, EnvironmentsFile
from phaseline.environments.github import App, Credential
from phaseline.files import Files
from phaseline.toml.reading import FileError

# Of a table that no terminal limits, in characters.
_WIDTH = 160


def environments(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Show what the environments file says, or what is wrong with it and the trust file."""
    settings = configured()
    try:
        found = files.read(settings)
    except FileError as error:
        remark(str(error))
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps(_as_json(found), indent=2, ensure_ascii=False))
        return
    if found.environments is None:
        remark("PHASELINE_ENVIRONMENTS_FILE is not set: a deploy may be started for any environment, by whatever name")
        return
    (console if console.is_terminal else Console(width=_WIDTH)).print(_table(found.environments))
    remark(f"GitHub is {found.environments.github.api_url}, {_called(found.github)}")


def _table(file: EnvironmentsFile) -> Table:
    table = Table(Column("Environment", no_wrap=True), "Repository", "Workflow", "Refs")
    for title in ("Protected", "When busy", "Pipeline", "Runs"):
        table.add_column(title)
    for name, one in file.environments.items():
        refs = [*one.refs, *(["commits"] if one.commits else [])]
        cells = (
            *(name, one.repository, one.workflow.removeprefix(".github/workflows/"), ", ".join(refs)),
            *("yes" if one.protected else "no", one.when_busy.value, one.pipeline),
            "are trusted" if one.claims else "–",
        )
        table.add_row(*map(Text, cells))
    return table


def _called(credential: Credential | None) -> str:
    if credential is None:
        return "and phaseline does not call it: neither an App nor a token is set"
    if isinstance(credential, App):
        return f"called as App {credential.app_id}, installation {credential.installation_id}"
    return "called with PHASELINE_GITHUB_TOKEN"


def _as_json(found: Files) -> dict[str, object]:
    file = found.environments
    if file is None:
        return {"github": None, "environments": []}
    called = None if found.github is None else "app" if isinstance(found.github, App) else "token"
    return {
        "github": {"apiUrl": file.github.api_url, "webUrl": file.github.web_url, "calledAs": called},
        "environments": [_one(name, environment) for name, environment in file.environments.items()],
    }


def _one(name: str, environment: Environment) -> dict[str, object]:
    return {
        "name": name,
        "repository": environment.repository,
        "workflow": environment.workflow,
        "refs": list(environment.refs),
        "commits": environment.commits,
        "workflowRef": environment.workflow_ref,
        "protected": environment.protected,
        "whenBusy": environment.when_busy.value,
        "pipeline": environment.pipeline,
        "url": environment.url,
        "claims": None if environment.claims is None else _claims(environment, environment.claims),
    }


def _claims(environment: Environment, claims: Claims) -> dict[str, object]:
    return {
        "repositoryId": claims.repository_id,
        "repositoryOwnerId": claims.repository_owner_id,
        "workflowRefs": list(environment.refs_of_runs),
        "events": sorted(claims.events),
        "environmentClaim": claims.environment_claim,
        "calledWorkflow": claims.called_workflow,
        "severalDeploys": claims.several_deploys,
    }
