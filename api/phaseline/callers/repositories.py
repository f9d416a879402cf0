"""The section [github] of the trust file: whose workflow runs may report, for which environments."""

from collections.abc import Iterable
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from phaseline.callers.addresses import Address
from phaseline.callers.forms import (
    CalledWorkflow,
    EnvironmentName,
    Event,
    Id,
    Ref,
    RepositoryName,
    Truth,
    WorkflowFile,
    some,
)

# Makes the ID tokens of github.com's runs.
_GITHUB_COM = "token.actions.githubusercontent.com"


class Claims(BaseModel):
    """What the ID tokens of runs have to say, beside the workflow's file and its refs.

    Where that file's jobs are another file's, `called_workflow` is that one, as OWNER/REPO/FILE@REF. A name may be
    given to somebody else, ids are not. `several_deploys`: one run may report for more than one deploy.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    repository_id: Id
    repository_owner_id: Id
    called_workflow: CalledWorkflow | None = None
    events: Annotated[frozenset[Event], AfterValidator(some)] = frozenset({"workflow_dispatch"})
    environment_claim: Truth = False
    several_deploys: Truth = False


class Repository(Claims):
    """A repository whose runs are trusted for these environments.

    `workflow` is the file that a run is started with. A ref is exact, or ends in `*`, which stands for whatever
    follows. `repository` is for people.
    """

    environments: Annotated[frozenset[EnvironmentName], AfterValidator(some)]
    repository: RepositoryName
    workflow: WorkflowFile
    refs: Annotated[frozenset[Ref], AfterValidator(some)]


class GitHub(BaseModel):
    """Who makes the ID tokens of runs, whom they have to be made for, and the repositories that are trusted.

    `server_url`: where people look at runs, if that is not where the issuer is. Repositories may be left out where the
    environments file says whose runs are trusted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: Address = f"https://{_GITHUB_COM}"
    audience: Annotated[str, Field(validate_default=True)] = ""
    jwks_url: Address | None = None
    server_url: Address | None = None
    repositories: Annotated[tuple[Repository, ...], Field(validate_default=True)] = ()

    @field_validator("audience", mode="before")
    @classmethod
    def _of_this_server(cls, value: object, info: ValidationInfo) -> object:
        found = value or (info.context or {}).get("public_url")
        if not found:
            raise ValueError("is needed where PHASELINE_PUBLIC_URL is not set")
        return found

    @field_validator("repositories", mode="before")
    @classmethod
    def _somebody(cls, value: object, info: ValidationInfo) -> object:
        if not value and not (info.context or {}).get("trusted_elsewhere"):
            raise ValueError("is missing" if value == () else "must not be empty")
        return value

    def with_more(self, repositories: Iterable[Repository]) -> Self:
        """The same, and these repositories besides."""
        return self.model_copy(update={"repositories": (*self.repositories, *repositories)})

    @property
    def keys_url(self) -> str:
        """Where the issuer publishes its public keys."""
        return self.jwks_url or f"{self.issuer.rstrip('/')}/.well-known/jwks"

    @property
    def is_github_com(self) -> bool:
        """Whether it is github.com that makes the ID tokens."""
        return urlsplit(self.issuer).hostname == _GITHUB_COM

    @property
    def pages_url(self) -> str:
        """Where the pages of repositories are."""
        if self.server_url:
            return self.server_url.rstrip("/")
        issuer = urlsplit(self.issuer)
        return "https://github.com" if self.is_github_com else f"{issuer.scheme}://{issuer.netloc}"
