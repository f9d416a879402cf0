"""Asks GitHub for one run, once, and has recorded what has come of it."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

import structlog

from phaseline import metrics
from phaseline.databases.kind import Work
from phaseline.dispatching import outbox, outcomes
from phaseline.environments import refs
from phaseline.environments.file import EnvironmentsFile
from phaseline.feed import Feed
from phaseline.github.client import GitHub
from phaseline.github.errors import GitHubError, Limited, NotAllowed, NotSent, Refused
from phaseline.github.values import Dispatched
from phaseline.github.wording import line
from phaseline.graph import GraphCache
from phaseline.steering import Steered
from phaseline.store import Store, is_unavailable, reason
from phaseline_schema.dispatches import DispatchRecord
from phaseline_schema.records import DeployRecord

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

# The pause before an answer of GitHub's is tried to be recorded again, in seconds.
_PAUSE = 1.0

# Until it is known what has come of it, with all that has to be asked for before and behind, in seconds: less than
# other nodes wait before they take this one for dead.
_PATIENCE = 45.0


class Sending:
    """`ask_soon`: is told of each deploy whose run GitHub has to be asked about; `look_for_runs`: that there is a run
    whose id is not known."""

    def __init__(
        self,
        store: Store,
        feed: Feed,
        graphs: GraphCache,
        github: GitHub,
        environments: EnvironmentsFile,
        ask_soon: Callable[[str], None],
        look_for_runs: Callable[[], None],
    ) -> None:
        self._store, self._feed, self._graphs, self._github = store, feed, graphs, github
        self._environments, self._ask_soon, self._look_for_runs = environments, ask_soon, look_for_runs

    async def send(self, dispatch: DispatchRecord, deploy: DeployRecord) -> Limited | NotSent | None:
        """Ask for it. Its caller has taken it, and nobody else ever asks.

        What comes back kept it from being sent, as it would others: it is to be sent later.
        """
        inputs = self._inputs(deploy)
        try:
            async with asyncio.timeout(_PATIENCE):
                dispatched = await self._github.dispatch(dispatch.repository, dispatch.workflow, dispatch.ref, inputs)
        except TimeoutError:
            await self._unclear(dispatch, f"it has not answered within {_PATIENCE:g} seconds")
        except (Limited, NotSent) as error:
            await self._put_off(dispatch, line(str(error)))
            return error
        except (Refused, NotAllowed) as error:
            await self._refused(dispatch, line(str(error)))
        except GitHubError as error:
            await self._unclear(dispatch, line(str(error)))
        else:
            await self._begun(dispatch, dispatched)
        return None

    async def forget(self, dispatch: DispatchRecord) -> None:
        """Whoever has sent it is not heard of any more, so what has become of it is not known."""
        deploy_id = dispatch.deploy_id
        recorded = await self._store.write(
            lambda connection: outcomes.forgotten(connection, self._graphs, dispatch), deploy_id
        )
        if recorded is not None:
            self._not_known(dispatch, recorded)

    def _inputs(self, deploy: DeployRecord) -> Mapping[str, str]:
        """What the workflow is given. The ref by its whole name, where it can only be one."""
        environment = self._environments.environments.get(deploy.environment)
        meant = () if environment is None else refs.allowed(deploy.ref, environment.refs)
        return {
            "environment": deploy.environment,
            "ref": meant[0] if len(meant) == 1 else deploy.ref,
            **({"commit": deploy.commit_sha} if deploy.commit_sha else {}),
            "console_deploy_id": deploy.id,
        }

    async def _begun(self, dispatch: DispatchRecord, dispatched: Dispatched) -> None:
        deploy_id, run_id = dispatch.deploy_id, dispatched.run_id
        is_news = await self._record(lambda connection: outbox.begun(connection, deploy_id, run_id), deploy_id)
        metrics.dispatch("sent")
        if not is_news:  # a webhook of the run, or a callback, was faster
            await self._compare(deploy_id, run_id)
        log.info("run dispatched", deploy=deploy_id, repository=dispatch.repository, run=run_id)
        if run_id is None:
            self._look_for_runs()
        else:
            self._ask_soon(deploy_id)

    async def _compare(self, deploy_id: str, run_id: str | None) -> None:
        known = (await self._store.read(lambda connection: outbox.of_deploys(connection, [deploy_id]))).get(deploy_id)
        if known is not None and run_id is not None and known.run_id not in (None, run_id):
            log.error("a deploy has two runs", deploy=deploy_id, run=known.run_id, dispatched=run_id)

    async def _put_off(self, dispatch: DispatchRecord, why: str) -> None:
        await self._record(
            lambda connection: outcomes.put_off(connection, self._graphs, dispatch, why), dispatch.deploy_id
        )
        metrics.dispatch("put off")
        if why != dispatch.reason:
            log.warning("a run is not asked for yet", deploy=dispatch.deploy_id, reason=why)

    async def _refused(self, dispatch: DispatchRecord, why: str) -> None:
        recorded = await self._record(
            lambda connection: outcomes.refused(connection, self._graphs, dispatch, why), dispatch.deploy_id
        )
        metrics.dispatch("refused")
        log.warning("GitHub does not begin a run", deploy=dispatch.deploy_id, reason=why)
        if recorded is not None:
            self._feed.announce(recorded.entry, recorded.pipeline)

    async def _unclear(self, dispatch: DispatchRecord, why: str) -> None:
        recorded = await self._record(
            lambda connection: outcomes.unclear(connection, self._graphs, dispatch, why), dispatch.deploy_id
        )
        if recorded is not None:
            self._not_known(dispatch, recorded)

    def _not_known(self, dispatch: DispatchRecord, recorded: Steered) -> None:
        metrics.dispatch("unclear")
        why = recorded.entry.message
        log.warning("it is not known whether GitHub has begun a run", deploy=dispatch.deploy_id, reason=why)
        self._feed.announce(recorded.entry, recorded.pipeline)
        self._look_for_runs()

    async def _record(self, work: Work[Result], deploy_id: str) -> Result:
        """What GitHub has answered is not to be lost because the database is away just now."""
        while True:
            try:
                return await self._store.write(work, deploy_id)
            except Exception as error:
                if not is_unavailable(error):
                    raise
                log.warning("what GitHub has answered cannot be recorded yet", deploy=deploy_id, error=reason(error))
            await asyncio.sleep(_PAUSE)
