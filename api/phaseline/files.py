"""The files that say whom to trust and where to deploy, read once before serving, and held against each other."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from phaseline.accounting.whose import Where
from phaseline.callers import trust
from phaseline.callers.trust import Trust
from phaseline.environments.file import EnvironmentsFile
from phaseline.environments.github import Credential, KeyUnusable, Secrets
from phaseline.settings import PREFIX, Settings
from phaseline.toml.reading import FileError, TomlFile

Result = TypeVar("Result")


@dataclass(frozen=True)
class Files:
    """What they say. `environments`: None where no file says which there are. `github`: as whom GitHub is called."""

    trust: Trust
    environments: EnvironmentsFile | None = None
    github: Credential | None = None

    @property
    def where(self) -> Where:
        """What they say of whose a workflow run is."""
        issuer = None if self.trust.github is None else self.trust.github.issuer
        if self.environments is None:
            return Where({}, issuer)
        found = self.environments.environments
        repositories = {name: environment.repository for name, environment in found.items()}
        workflows = {name: environment.workflow for name, environment in found.items()}
        return Where(repositories, issuer, self.environments.github.web_url, workflows)


def read(settings: Settings) -> Files:
    """What the files say that the settings name. Raises FileError with every mistake in all of them."""
    secrets = Secrets(settings.github_key_file, settings.github_token)
    problems: list[str] = []
    found = _tried(problems, lambda: _environments(settings.environments_file, secrets))
    elsewhere = bool(problems) or (found is not None and bool(found[1].trusted))
    trusted = _tried(problems, lambda: _trust(settings, trusted_elsewhere=elsewhere))
    if found is None or trusted is None:
        credential = None
    else:
        problems += _unprovable(*found, trusted, settings.public_url)
        credential = _tried(problems, lambda: _credential(found[1], secrets))
        if credential is not None:
            problems += _undispatchable(*found)
    if problems:
        raise FileError(problems)
    assert trusted is not None
    if found is None:
        return Files(trusted)
    _, environments = found
    return Files(trusted.with_runs_of(environments.trusted, settings.public_url), environments, credential)


def _tried(problems: list[str], work: Callable[[], Result]) -> Result | None:
    """What comes of it; where that is nothing, its problems are among the others."""
    try:
        return work()
    except FileError as error:
        problems += error.problems
        return None


def _environments(file: Path | None, secrets: Secrets) -> tuple[TomlFile, EnvironmentsFile] | None:
    if file is None:
        return None
    source = TomlFile.of(file)
    return source, source.understood(EnvironmentsFile, {"secrets": secrets})


def _trust(settings: Settings, *, trusted_elsewhere: bool) -> Trust:
    return trust.read(
        settings.trust_file,
        settings.public_url,
        has_provider_secret=settings.provider_secret is not None,
        trusted_elsewhere=trusted_elsewhere,
    )


def _credential(environments: EnvironmentsFile, secrets: Secrets) -> Credential | None:
    try:
        return environments.github.credential(secrets)
    except KeyUnusable as error:
        raise FileError([f"{PREFIX}GITHUB_KEY_FILE: {error}"]) from None


def _unprovable(source: TomlFile, environments: EnvironmentsFile, trusted: Trust, public_url: str | None) -> list[str]:
    """Where the file asks for ID tokens of which nobody has said by whom, or for whom, they are made."""
    if trusted.github is not None:
        if environments.github.is_github_com or not trusted.github.is_github_com:
            return []
        problem = (
            "need an issuer of this GitHub in the trust file's section [github], which names none but github.com's"
        )
    elif not environments.github.is_github_com:
        problem = "needs the section [github] of the trust file, which says who makes the ID tokens of this GitHub"
    elif public_url is None:
        problem = (
            "needs PHASELINE_PUBLIC_URL, or the section [github] of the trust file, to say whom ID tokens are made for"
        )
    else:
        return []
    claimed = (name for name, environment in environments.environments.items() if environment.claims is not None)
    return [source.problem(("environments", name, "claims"), problem) for name in claimed]


def _undispatchable(source: TomlFile, environments: EnvironmentsFile) -> list[str]:
    """Where a commit may be deployed: GitHub runs a workflow at a branch or a tag, and at no commit."""
    problem = "needs workflow_ref, because GitHub takes the workflow's file from a branch or a tag, and from no commit"
    return [
        source.problem(("environments", name, "commits"), problem)
        for name, environment in environments.environments.items()
        if environment.commits and environment.workflow_ref is None
    ]
