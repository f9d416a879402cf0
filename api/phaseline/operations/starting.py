"""Starting a deploy: GitHub is asked which commit it is of, then it is recorded, and then its run is asked for."""

from dataclasses import replace

import structlog

from phaseline import deploys, metrics, requests
from phaseline.context import Services
from phaseline.deploys import Started
from phaseline.dispatching import pinning
from phaseline.dispatching.pinning import Pinned
from phaseline.environments.file import Environment
from phaseline.github.client import GitHub
from phaseline.identity import Identity
from phaseline.store import to_the_end
from phaseline_schema.dispatches import Dispatch
from phaseline_schema.environments import WhenBusy
from phaseline_schema.records import Start

log = structlog.get_logger(__name__)


async def start(services: Services, identity: Identity, wanted: Start, ran_at: str | None = None) -> Started:
    """Record the deploy, and tell of it, once.

    `wanted.commit_sha`: where it is settled which commit it is of. `ran_at`: the ref at which its workflow was run the
    last time, if it was. Raises what the environments file, GitHub (pinning.py) and `deploys.start` have against it.
    """
    if denied := identity.scope.refusal(wanted.environment):
        raise denied
    if services.github is None:  # the workflow is begun by people, who are told of no commit
        wanted = replace(wanted, commit_sha=None)
    if services.environments is None:
        return await to_the_end(_record(services, identity, wanted, None, None))
    wanted = services.environments.admitted(wanted)
    environment, dispatch = services.environments.named(wanted.environment), None
    if services.github is not None and not await _is_known(services, identity, wanted):
        pinned = await _pinned(services.github, environment, wanted, ran_at)
        wanted, dispatch = replace(wanted, commit_sha=pinned.commit), pinned.dispatch
    return await to_the_end(_record(services, identity, wanted, environment.when_busy, dispatch))


async def _is_known(services: Services, identity: Identity, wanted: Start) -> bool:
    """Whether the same request has started a deploy already, so that GitHub need not be asked for anything."""
    if wanted.request_id is None:
        return False
    return await services.store.read(lambda connection: requests.answered(connection, identity, wanted)) is not None


async def _pinned(github: GitHub, environment: Environment, wanted: Start, ran_at: str | None) -> Pinned:
    if wanted.commit_sha is None:
        return await pinning.pin(github, environment, wanted.ref)
    again = pinning.again(environment, wanted.ref, wanted.commit_sha, ran_at)
    return again or replace(await pinning.pin(github, environment, wanted.ref), commit=wanted.commit_sha)


async def _record(
    services: Services, identity: Identity, wanted: Start, when_busy: WhenBusy | None, dispatch: Dispatch | None
) -> Started:
    started = await services.store.write(
        lambda connection: deploys.start(connection, services.graphs, identity, wanted, when_busy, dispatch)
    )
    if started.again:
        return started
    deploy = started.deploy
    metrics.deploy_started()
    log.info(
        "deploy started",
        deploy=deploy.id,
        environment=deploy.environment,
        ref=deploy.ref,
        commit=deploy.commit_sha,
        waits=started.waits,
        actor=identity.name,
    )
    services.dispatch_soon()
    if services.on_started is not None:
        await services.on_started(deploy)
    return started
