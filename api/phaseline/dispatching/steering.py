"""Operators' requests: recorded first, with who asks and why; then GitHub is asked; what fails is recorded as well."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from phaseline.accounting import dispatched, whose
from phaseline.accounting.dispatched import Named
from phaseline.accounting.whose import KnownRun, Where
from phaseline.dispatching import asking, refusing
from phaseline.dispatching.asking import Asked
from phaseline.feed import Feed
from phaseline.github.client import GitHub
from phaseline.github.errors import GitHubError
from phaseline.graph import GraphCache
from phaseline.identity import Identity
from phaseline.steering import Steered
from phaseline.store import Store, is_unavailable, reason

log = structlog.get_logger(__name__)

# GitHub may show a new attempt only some time after it has taken the request for it: in seconds.
_LATER = (0.0, 2.0, 5.0, 15.0, 60.0)

# What GitHub is asked to do with a run of a repository.
Verb = Callable[[GitHub, str, str], Awaitable[None]]


class Steering:
    """`github`: None where this server does not call it; then only what needs nobody else is done. `ask_soon`: is told
    of each deploy whose run may soon stand otherwise."""

    def __init__(
        self,
        store: Store,
        feed: Feed,
        graphs: GraphCache,
        where: Where,
        github: GitHub | None,
        ask_soon: Callable[[str], None],
    ) -> None:
        self._store, self._feed, self._graphs = store, feed, graphs
        self._where = where if github is not None else replace(where, repositories={})
        self._github, self._ask_soon = github, ask_soon

    async def cancel(self, identity: Identity, deploy_id: str, why: str, only_unsent: bool = False) -> Steered:
        """Cancel a deploy, or ask GitHub to: its status changes when GitHub or the workflow says so. `only_unsent`:
        GitHub is not asked, and where something was sent, nothing is done.

        Raises DeployNotFound, WrongVersion, Forbidden, NotPossibleNow, and what GitHub has against it.
        """
        seen = None if only_unsent else await self._seen(identity, deploy_id)
        asked = await self._store.write(
            lambda connection: asking.cancel(
                connection, self._graphs, self._where, identity, deploy_id, why, only_unsent, seen
            ),
            deploy_id,
        )
        return await self._ask(identity, asked, "cancel", GitHub.cancel)

    async def rerun_failed(self, identity: Identity, deploy_id: str, why: str) -> Steered:
        """Ask GitHub to run again what has failed, or, of what was cancelled, all: where no job has failed, GitHub runs
        none again. Raises EnvironmentBusy, and what `cancel` raises."""
        seen = await self._seen(identity, deploy_id)
        asked = await self._store.write(
            lambda connection: asking.rerun(connection, self._graphs, self._where, identity, deploy_id, why, seen),
            deploy_id,
        )
        return await self._ask(identity, asked, "rerun", GitHub.rerun if asked.was_cancelled else GitHub.rerun_failed)

    async def _seen(self, identity: Identity, deploy_id: str) -> KnownRun | None:
        """The deploy's run, where nothing but callbacks name it, and GitHub says that it was begun for this deploy: by
        its workflow, as a dispatch is, and with the deploy's id in its name. Raises what GitHub has against it."""
        known = await self._store.read(lambda connection: whose.of_deploys(connection, self._where, [deploy_id]))
        run = known[0] if known else None
        if run is None or not run.is_named or not self._where.may_ask(run) or self._github is None:
            return None
        if identity.scope.refusal(run.environment):
            return None
        try:
            found = await self._github.run(run.repository, run.run_id)
        except GitHubError as error:
            raise refusing.of_reading(error) from None
        is_the_file = found.path == self._where.workflows.get(run.environment)
        said = Named(found.name, found.path, found.event, run.repository)
        return run if is_the_file and found.id == run.run_id and dispatched.carries(said, deploy_id) else None

    async def _ask(self, identity: Identity, asked: Asked, what: str, verb: Verb) -> Steered:
        steered, run = asked.steered, asked.run
        self._tell(steered)
        about = {"request": what, "deploy": steered.deploy.id, "actor": identity.name}
        log.info("asked for by an operator", run=None if run is None else run.run_id, **about)
        if run is None:
            return steered
        assert self._github is not None, "no run is known where GitHub is not called"
        try:
            await verb(self._github, run.repository, run.run_id)
        except GitHubError as error:
            log.warning("GitHub has not done what an operator has asked for", reason=str(error), **about)
            await self._failed(identity, run, error)
            raise refusing.of_doing(error) from None
        finally:
            for seconds in _LATER:
                asyncio.get_running_loop().call_later(seconds, self._ask_soon, run.deploy_id)
        return steered

    async def _failed(self, identity: Identity, run: KnownRun, error: GitHubError) -> None:
        """Whether it can be recorded or not, its caller is told of it."""
        try:
            recorded = await self._store.write(
                lambda connection: asking.failed(connection, self._graphs, identity, run, error), run.deploy_id
            )
        except Exception as away:
            if not is_unavailable(away):
                raise
            log.warning("what GitHub has answered is not recorded", deploy=run.deploy_id, error=reason(away))
        else:
            self._tell(recorded)

    def _tell(self, steered: Steered) -> None:
        """After the commit."""
        self._feed.announce(steered.entry, steered.pipeline)
