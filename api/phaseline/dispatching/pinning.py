"""Which commit a ref stands for, as GitHub says, and where the workflow is run: settled before a deploy begins."""

from dataclasses import dataclass

from phaseline.dispatching import refusing
from phaseline.environments import refs
from phaseline.environments.file import Environment
from phaseline.github.client import GitHub
from phaseline.github.errors import GitHubError, Refused
from phaseline_schema.dispatches import Dispatch
from phaseline_schema.refusals import BadUserInput

# How GitHub answers where there is no such ref, or no such commit.
_MISSING = (404, 422)


@dataclass(frozen=True, slots=True)
class Pinned:
    """The commit, and what GitHub is asked to run for it."""

    commit: str
    dispatch: Dispatch


async def pin(github: GitHub, environment: Environment, ref: str) -> Pinned:
    """Of a ref that the environment admits. Nothing is recorded.

    Raises BadUserInput where there is no such ref, or a branch and a tag of this name; and what GitHub has against it:
    GitHubRefused or GitHubUnavailable.
    """
    try:
        found = await _found(github, environment.repository, ref, refs.allowed(ref, environment.refs))
    except GitHubError as error:
        raise refusing.of_reading(error) from None
    if len(found) > 1:
        raise BadUserInput("ref", f"is a branch and a tag: it must be {' or '.join(found)}")
    ((whole, commit),) = found.items()
    return Pinned(commit, dispatch(environment, whole))


def again(environment: Environment, ref: str, commit: str, before: str | None) -> Pinned | None:
    """The same commit once more, without a word of GitHub's; None where it has to say which ref is meant.

    `before`: the ref at which the workflow was run the last time, if it was.
    """
    meant = refs.allowed(ref, environment.refs)
    if environment.workflow_ref is None and len(meant) > 1:
        meant = tuple(whole for whole in meant if whole == before)
    if environment.workflow_ref is None and len(meant) != 1:
        return None
    return Pinned(commit, dispatch(environment, meant[0] if meant else ref))


def dispatch(environment: Environment, whole: str) -> Dispatch:
    """What GitHub is asked to run for a deploy of this whole ref, or of this commit."""
    return Dispatch(environment.repository, environment.workflow, environment.workflow_ref or whole)


async def _found(github: GitHub, repository: str, ref: str, meant: tuple[str, ...]) -> dict[str, str]:
    """Those of the whole refs that are there, or the commit that it is itself, each with its commit; one at least."""
    found: dict[str, str] = {}
    missing: Refused | None = None
    for one in meant or (ref.lower(),):
        try:
            found[one] = await github.commit_of(repository, one)
        except Refused as refused:
            if refused.status not in _MISSING:
                raise
            missing = refused
    if not found:
        assert missing is not None
        raise BadUserInput("ref", f"is not there, as GitHub says: {missing.message}")
    return found
