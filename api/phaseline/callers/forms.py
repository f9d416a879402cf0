"""The forms that values have in the files that say whom to trust and where to deploy."""

import re
from collections.abc import Collection
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field

from phaseline_schema import inputs
from phaseline_schema.refusals import BadUserInput

_REPOSITORY = r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+"
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


def some(values: _Values) -> _Values:
    """The values, of which there has to be one. Raises ValueError."""
    if not values:
        raise ValueError("must not be empty")
    return values


EnvironmentName = Annotated[str, AfterValidator(_environment)]
RepositoryName = Annotated[str, _shaped(_REPOSITORY, "octo-org/console")]
WorkflowFile = Annotated[str, _shaped(_FILE, ".github/workflows/deploy-console.yml")]
CalledWorkflow = Annotated[
    str, _shaped(rf"{_REPOSITORY}/{_FILE}@{_REF}", "octo-org/shared/.github/workflows/deploy.yml@refs/tags/v*")
]
Ref = Annotated[str, _shaped(rf"refs/(heads|tags)/{_REF}", "refs/heads/main or refs/tags/v*")]
Event = Annotated[str, _shaped(r"[a-z_]+", "workflow_dispatch")]
Id = Annotated[int, Field(ge=1, strict=True)]
Truth = Annotated[bool, Field(strict=True)]


def matches(text: str, pattern: str) -> bool:
    """Whether it is this one, or begins with what stands before the `*`."""
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern
