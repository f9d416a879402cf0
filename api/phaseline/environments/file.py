"""What the environments file says."""

from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from phaseline.callers import repositories
from phaseline.callers.forms import EnvironmentName, Ref, RepositoryName, Truth, WorkflowFile, matches, some
from phaseline.callers.repositories import Repository
from phaseline.environments import refs
from phaseline.environments.github import GitHub
from phaseline_schema import inputs
from phaseline_schema.environments import WhenBusy
from phaseline_schema.pipelines import PIPELINES
from phaseline_schema.records import Start
from phaseline_schema.refusals import BadUserInput

# What is followed where nobody says which. A start that names it may just as well have named none.
_USUAL_PIPELINE = "console"


def _page(value: str) -> str:
    try:
        return inputs.optional_url("it", value) or ""
    except BadUserInput:
        raise ValueError("must be an http or https address") from None


def _pipeline(value: str) -> str:
    if value not in PIPELINES:
        raise ValueError(f"there is no such pipeline; there are: {', '.join(PIPELINES)}")
    return value


def _one(value: str) -> str:
    if value.endswith("*"):
        raise ValueError("must be one whole ref, without a *")
    return value


class Claims(repositories.Claims):
    """What the ID tokens of an environment's runs have to say.

    `workflow_refs`: the refs that the workflow's file may be of. If it is not given, the environment's `workflow_ref`;
    without that, those that may be deployed.
    """

    workflow_refs: Annotated[tuple[Ref, ...], AfterValidator(some)] | None = None


class Environment(BaseModel):
    """Where deploys go, and how.

    `refs` may be deployed, and with `commits` any commit as well. `workflow_ref`: the ref that the workflow's file is
    taken from; None: the one that is deployed. `protected`: people are asked for its name before they start a deploy.
    `url`: its page, for people. `claims`: what its runs prove themselves with; None: nothing is said of them here.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    repository: RepositoryName
    workflow: WorkflowFile
    refs: Annotated[tuple[Ref, ...], AfterValidator(some)]
    commits: Truth = False
    workflow_ref: Annotated[Ref, AfterValidator(_one)] | None = None
    protected: Truth = False
    when_busy: WhenBusy = WhenBusy.REFUSE
    pipeline: Annotated[str, AfterValidator(_pipeline)] = _USUAL_PIPELINE
    url: Annotated[str, Field(min_length=1), AfterValidator(_page)] | None = None
    claims: Claims | None = None

    @field_validator("claims")
    @classmethod
    def _believes_its_own(cls, claims: Claims | None, info: ValidationInfo) -> Claims | None:
        ref, believed = info.data.get("workflow_ref"), None if claims is None else claims.workflow_refs
        if ref is not None and believed is not None and not any(matches(ref, pattern) for pattern in believed):
            raise ValueError(f"workflow_refs must hold {ref}, the environment's workflow_ref, which its runs are of")
        return claims

    @property
    def refs_of_runs(self) -> tuple[str, ...]:
        """The refs that the workflow's file may be of, in runs that are believed."""
        if self.claims is not None and self.claims.workflow_refs is not None:
            return self.claims.workflow_refs
        return self.refs if self.workflow_ref is None else (self.workflow_ref,)

    def admit(self, ref: str) -> None:
        """Nothing, where the ref may be deployed here. Raises BadUserInput."""
        if refs.is_commit(ref):
            if not self.commits:
                raise BadUserInput("ref", "is a commit, and commits may not be deployed to this environment")
        elif not refs.meant(ref):
            raise BadUserInput("ref", "is no name of a branch or a tag")
        elif not refs.allowed(ref, self.refs):
            raise BadUserInput("ref", f"may not be deployed to this environment; these may: {', '.join(self.refs)}")


class EnvironmentsFile(BaseModel):
    """The file: each environment by its name, in the file's order, and the GitHub that all of them are on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    github: GitHub
    environments: Annotated[dict[EnvironmentName, Environment], AfterValidator(some)]

    @model_validator(mode="before")
    @classmethod
    def _on_some_github(cls, value: object) -> object:
        """A section that is not there is held to the settings as an empty one is."""
        return {"github": {}, **value} if isinstance(value, dict) else value

    def named(self, name: str) -> Environment:
        """The environment of this name. Raises BadUserInput."""
        found = self.environments.get(name)
        if found is None:
            raise BadUserInput("environment", f"is none of those there are: {', '.join(self.environments)}")
        return found

    def admitted(self, start: Start) -> Start:
        """The start along its environment's pipeline, where the environment allows it. Raises BadUserInput."""
        environment = self.named(start.environment)
        environment.admit(start.ref)
        if start.pipeline not in (_USUAL_PIPELINE, environment.pipeline):
            raise BadUserInput("pipeline", f"is another than this environment's, which is {environment.pipeline}")
        return replace(start, pipeline=environment.pipeline)

    @property
    def trusted(self) -> tuple[Repository, ...]:
        """Whose runs are trusted for which environments, as the trust file would say it."""
        return tuple(
            _repository(name, environment, environment.claims)
            for name, environment in self.environments.items()
            if environment.claims is not None
        )


def _repository(name: str, environment: Environment, claims: Claims) -> Repository:
    return Repository(
        environments=frozenset({name}),
        repository=environment.repository,
        workflow=environment.workflow,
        refs=frozenset(environment.refs_of_runs),
        **claims.model_dump(exclude={"workflow_refs"}),
    )
