"""What people choose from before they start a deploy: which refs there are, and what would change."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator
from functools import partial
from itertools import chain, zip_longest
from typing import Any, TypeVar, cast

import structlog

from phaseline.callers.forms import matches
from phaseline.dispatching import pinning, refusing
from phaseline.environments import refs
from phaseline.environments.file import Environment, EnvironmentsFile
from phaseline.github.client import GitHub
from phaseline.github.errors import GitHubError
from phaseline.github.refs import can_begin
from phaseline.github.values import Ref
from phaseline_schema.refusals import GitHubUnavailable
from phaseline_schema.types.environment import Comparison, RefSuggestion

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

_KINDS = ("refs/heads/", "refs/tags/")
_WHOLE = "refs/"

# How long whoever fills in a form waits, and for how long an answer is as good as a new one, in seconds.
_PATIENCE = 6.0
_FRESH = 10.0

# Of each beginning so many refs are looked at, and so many beginnings at most: each is a question to GitHub.
_LOOKED_AT = 100
_QUESTIONS = 8


class Choosing:
    """Asks GitHub, and nothing where it is not called. What it has answered is answered for some seconds more, and what
    several want at once is asked once: a form asks with each letter that is typed into it."""

    def __init__(self, github: GitHub | None, environments: EnvironmentsFile | None) -> None:
        self._github = github
        self._environments = {} if environments is None else environments.environments
        self._asked: dict[tuple[str, ...], tuple[float, asyncio.Task[Any]]] = {}

    async def suggestions(self, environment: str, prefix: str, most: int) -> list[RefSuggestion]:
        """Refs that may be deployed and whose names begin so, by the name that a start may have them by.

        None at all where GitHub does not answer: a ref may always be typed.
        """
        github, found = self._github, self._environments.get(environment)
        if github is None or found is None or not can_begin(prefix):
            return []
        asking = partial(_suggested, github, found, prefix, most)
        try:
            return await self._once(("suggestions", environment, prefix, str(most)), asking)
        except GitHubError as error:
            log.info("no refs are suggested", environment=environment, reason=str(error))
        except TimeoutError:
            log.info("no refs are suggested", environment=environment, reason="GitHub is slow")
        return []

    async def comparison(self, environment: str, base: str, ref: str) -> Comparison | None:
        """What lies between a commit that is deployed and a ref that may be; None where GitHub is not called.

        Raises BadUserInput, GitHubRefused and GitHubUnavailable.
        """
        github, found = self._github, self._environments.get(environment)
        if github is None or found is None:
            return None
        found.admit(ref)
        try:
            asking = partial(_compared, github, found, base, ref)
            return await self._once(("comparison", environment, base, ref), asking)
        except GitHubError as error:
            raise refusing.of_reading(error) from None
        except TimeoutError:
            raise GitHubUnavailable("GitHub does not answer in time") from None

    async def _once(self, question: tuple[str, ...], ask: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Raises TimeoutError; whoever asks the same later may be answered."""
        now = asyncio.get_running_loop().time()
        self._asked = {one: known for one, known in self._asked.items() if known[0] > now}
        _, task = self._asked.get(question, (0.0, None))
        if task is None:
            task = asyncio.create_task(ask())
            task.add_done_callback(_heard)
            self._asked[question] = now + _FRESH, task
        try:
            async with asyncio.timeout(_PATIENCE):
                return cast("Result", await asyncio.shield(task))
        except GitHubError:
            self._asked.pop(question, None)
            raise


def _heard(task: asyncio.Task[Any]) -> None:
    """Its error is known, even where nobody waits any more."""
    if not task.cancelled():
        task.exception()


async def _suggested(github: GitHub, environment: Environment, prefix: str, most: int) -> list[RefSuggestion]:
    found = [
        [ref for ref in await github.refs_below(environment.repository, begins, _LOOKED_AT) if _fits(ref, environment)]
        for begins in _beginnings(environment.refs, prefix)
    ]
    there = {ref.name for several in found for ref in several}
    whole = prefix.startswith(_WHOLE)
    return [
        RefSuggestion(name=ref.name if whole else _called(ref.name, there), commit=ref.commit)
        for ref in _some(found, most)
    ]


async def _compared(github: GitHub, environment: Environment, base: str, ref: str) -> Comparison:
    head = (await pinning.pin(github, environment, ref)).commit
    compared = await github.compare(environment.repository, base, head)
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
    wanted = [prefix] if prefix.startswith(_WHOLE) else [start + prefix for start in _KINDS]
    both = (_both(pattern, begins) for pattern in patterns for begins in wanted)
    found = list(dict.fromkeys(chain.from_iterable(both)))
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


def _called(whole: str, there: Collection[str]) -> str:
    """The short name, where nothing else that is there and may be deployed could be meant by it."""
    short = whole.split("/", 2)[2]
    is_other = refs.is_commit(short) or short.startswith(_WHOLE) or all(kind + short in there for kind in _KINDS)
    return whole if is_other else short


def _some(found: list[list[Ref]], most: int) -> list[Ref]:
    """Some of each, in the order of the lists: many branches are not to hide the tags."""
    in_turn = [ref for several in zip_longest(*found) for ref in several if ref is not None]
    chosen = {ref.name for ref in in_turn[:most]}
    return [ref for several in found for ref in several if ref.name in chosen]
