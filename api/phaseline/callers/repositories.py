"""The section [github] of the trust file: whose workflow runs may report, for which environments."""

import re
from collections.abc import Collection
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from phaseline.callers.addresses import Address
from phaseline_schema import inputs
from phaseline_schema.refusals import BadUserInput

# Makes the ID tokens of github.com's runs.
_GITHUB_COM = "token.actions.githubusercontent.com"

_NAME = r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+"
_FILE = r"\.github/workflows/[^/@*\s]+\.ya?ml"
_REF = r"[^*\s]*[^/\s]"

_Values = TypeVar("_Values", bound=Collection[Any])


def _environment(value: str) -> str:
    try:
        return inputs.text("an environment", value, inputs.ENVIRONMENT)
    except BadUserInput as error:
        raise ValueError(error.message) from None


def _shaped(pattern: str, like: str) -> AfterValidator:
    def shaped(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must be like {like}; a * may stand only at the end of a ref")
        return value

    return AfterValidator(shaped)


def _some(values: _Values) -> _Values:
    if not values:
        raise ValueError("must not be empty")
    return values


Environment = Annotated[str, AfterValidator(_environment)]
_Name = Annotated[str, _shaped(_NAME, "octo-org/console")]
_File = Annotated[str, _shaped(_FILE, ".github/workflows/deploy-console.yml")]
_Called = Annotated[
    str, _shaped(rf"{_NAME}/{_FILE}@{_REF}", "octo-org/shared/.github/workflows/deploy.yml@refs/tags/v*")
]
_Ref = Annotated[str, _shaped(rf"refs/(heads|tags)/{_REF}", "refs/heads/main or refs/tags/v*")]
_Event = Annotated[str, _shaped(r"[a-z_]+", "workflow_dispatch")]
_Id = Annotated[int, Field(ge=1, strict=True)]


class Repository(BaseModel):
    """A repository whose runs are trusted for these environments.

    `workflow` is the file that a run is started with. Where that file's jobs are another file's, `called_workflow` is
    that one, as OWNER/REPO/FILE@REF. A ref is exact, or ends in `*`, which stands for whatever follows. `repository`
    is for people: a name may be given to somebody else, ids are not. `several_deploys`: one run may report for more
    than one deploy.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    environments: Annotated[frozenset[Environment], AfterValidator(_some)]
    repository: _Name
    repository_id: _Id
    repository_owner_id: _Id
    workflow: _File
    called_workflow: _Called | None = None
    refs: Annotated[frozenset[_Ref], AfterValidator(_some)]
    events: Annotated[frozenset[_Event], AfterValidator(_some)] = frozenset({"workflow_dispatch"})
    environment_claim: Annotated[bool, Field(strict=True)] = False
    several_deploys: Annotated[bool, Field(strict=True)] = False


class GitHub(BaseModel):
    """Who makes the ID tokens of runs, whom they have to be made for, and the repositories that are trusted.

    `server_url`: where people look at runs, if that is not where the issuer is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: Address = f"https://{_GITHUB_COM}"
    audience: Annotated[str, Field(validate_default=True)] = ""
    jwks_url: Address | None = None
    server_url: Address | None = None
    repositories: Annotated[tuple[Repository, ...], AfterValidator(_some)]

    @field_validator("audience", mode="before")
    @classmethod
    def _of_this_server(cls, value: object, info: ValidationInfo) -> object:
        found = value or (info.context or {}).get("public_url")
        if not found:
            raise ValueError("is needed where PHASELINE_PUBLIC_URL is not set")
        return found

    @property
    def keys_url(self) -> str:
        """Where the issuer publishes its public keys."""
        return self.jwks_url or f"{self.issuer.rstrip('/')}/.well-known/jwks"

    @property
    def pages_url(self) -> str:
        """Where the pages of repositories are."""
        if self.server_url:
            return self.server_url.rstrip("/")
        issuer = urlsplit(self.issuer)
        return "https://github.com" if issuer.hostname == _GITHUB_COM else f"{issuer.scheme}://{issuer.netloc}"
