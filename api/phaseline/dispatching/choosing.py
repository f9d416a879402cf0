"""What people choose from before they start a deploy: which refs there are, and what would change."""

from collections.abc import Iterable, Iterator
from itertools import chain, zip_longest

from phaseline.callers.forms import matches
from phaseline.dispatching import pinning, refusing
from phaseline.environments import refs
from phaseline.environments.file import Environment
from phaseline.github.client import GitHub
from phaseline.github.errors import GitHubError
from phaseline.github.refs import can_begin
from phaseline.github.values import Ref
from phaseline_schema.types.environment import Comparison, RefSuggestion

# Of each beginning so many refs are looked at, and so many beginnings at most: each is a question to GitHub.
_LOOKED_AT = 100
_QUESTIONS = 8


async def suggestions(github: GitHub, environment: Environment, prefix: str, most: int) -> list[RefSuggestion]:
    """Refs that may be deployed and whose names begin so, by the name that a start may have them by.

    Raises the errors of github/errors.py.
    """
    if not can_begin(prefix):
        return []
    found = [
        [ref for ref in await github.refs_below(environment.repository, begins, _LOOKED_AT) if _fits(ref, environment)]
        for begins in _beginnings(environment.refs, prefix)
    ]
    return [RefSuggestion(name=_called(ref.name, environment), commit=ref.commit) for ref in _some(found, most)]


async def comparison(github: GitHub, environment: Environment, base: str, ref: str) -> Comparison:
    """What lies between a commit that is deployed and a ref that may be.

    Raises BadUserInput, GitHubRefused and GitHubUnavailable.
    """
    environment.admit(ref)
    head = (await pinning.pin(github, environment, ref)).commit
    try:
        compared = await github.compare(environment.repository, base, head)
    except GitHubError as error:
        raise refusing.of_reading(error) from None
    return Comparison(
        base=base,
        head=head,
        status=compared.status,
        ahead=compared.ahead,
        behind=compared.behind,
        url=compared.url,
    )


def _beginnings(patterns: Iterable[str], prefix: str) -> list[str]:
    """How whole refs begin that one of the patterns allows and that somebody may mean who has typed so much; none that
    is among those of another."""
    wanted = [start + prefix for start in ("refs/heads/", "refs/tags/")]
    if prefix.startswith("refs/"):
        wanted.append(prefix)
    found = list(dict.fromkeys(chain.from_iterable(_both(pattern, begins) for pattern in patterns for begins in wanted)))
    return [one for one in found if not any(one != other and one.startswith(other) for other in found)][:_QUESTIONS]


def _both(pattern: str, begins: str) -> Iterator[str]:
    """The beginning of what fits both, where anything does."""
    allowed = pattern.removesuffix("*")
    if allowed.startswith(begins):
        yield allowed
    elif allowed != pattern and begins.startswith(allowed):
        yield begins


def _fits(ref: Ref, environment: Environment) -> bool:
    return bool(refs.meant(ref.name)) and any(matches(ref.name, pattern) for pattern in environment.refs)


def _called(whole: str, environment: Environment) -> str:
    """The short name, where nothing else that may be deployed could be meant by it."""
    short = whole.split("/", 2)[2]
    return short if refs.allowed(short, environment.refs) == (whole,) else whole


def _some(found: list[list[Ref]], most: int) -> list[Ref]:
    """Some of each, in the order of the lists: many branches are not to hide the tags."""
    in_turn = [ref for several in zip_longest(*found) for ref in several if ref is not None]
    chosen = {ref.name for ref in in_turn[:most]}
    return [ref for several in found for ref in several if ref.name in chosen]
