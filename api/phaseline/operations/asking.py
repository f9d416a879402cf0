"""What operators ask GitHub for: to cancel a run, to run it again, to run what was deployed before once more."""

from typing import Annotated

import strawberry
from strawberry import Info

from phaseline.context import Context
from phaseline.operations import starting
from phaseline.operations.steering import asked
from phaseline.store import to_the_end
from phaseline_schema import inputs
from phaseline_schema.records import Start
from phaseline_schema.refusals import DeployNotFound
from phaseline_schema.types.deploy import Deploy
from phaseline_schema.types.inputs import CancelInput, RedeployInput, SteerInput

_WHICH = "Which one, and why."


@strawberry.type(description="What operators ask GitHub for.")
class Asking:
    """Mutations that GitHub carries out."""

    @strawberry.mutation(
        description=(
            "An operator cancels a deploy. One of which GitHub was not asked for a run yet ends `cancelled` at once. "
            "Of any other the request is recorded and GitHub is asked to cancel the run: the status changes when "
            "GitHub, or the workflow, says so. Refused with NOT_POSSIBLE_NOW where the deploy has ended, its run is "
            "not known, or it was to be cancelled only if GitHub was not asked for one."
        )
    )
    async def cancel_deploy(
        self,
        info: Info[Context, None],
        input: Annotated[CancelInput, strawberry.argument(description=_WHICH)],
    ) -> Deploy:
        """Have it cancelled."""
        services, identity = info.context.services, info.context.identity
        done = await to_the_end(services.steering.cancel(identity, *asked(input), bool(input.only_unsent)))
        return Deploy(record=done.deploy, known_graph=done.pipeline)

    @strawberry.mutation(
        description=(
            "An operator has GitHub run again what has failed of a deploy's run. It becomes the next attempt when "
            "GitHub, or the workflow, says so. Refused with NOT_POSSIBLE_NOW where the deploy has not failed and was "
            "not cancelled, or its run is not known; and with ENVIRONMENT_BUSY where another has its environment."
        )
    )
    async def rerun_failed_jobs(
        self,
        info: Info[Context, None],
        input: Annotated[SteerInput, strawberry.argument(description=_WHICH)],
    ) -> Deploy:
        """Have it run again."""
        services, identity = info.context.services, info.context.identity
        done = await to_the_end(services.steering.rerun_failed(identity, *asked(input)))
        return Deploy(record=done.deploy, known_graph=done.pipeline)

    @strawberry.mutation(
        description=(
            "An operator deploys once more what an earlier deploy was of: its ref, and its commit, wherever the ref "
            "has moved meanwhile. It is a new deploy, which is started as by startDeploy. Where it is not known which "
            "commit the earlier one was of, it is the one that the ref is now."
        )
    )
    async def redeploy(
        self,
        info: Info[Context, None],
        input: Annotated[RedeployInput, strawberry.argument(description="Which one, and why.")],
    ) -> Deploy:
        """Start the same again."""
        services, identity, reader = info.context.services, info.context.identity, info.context.reader
        deploy_id, reason = asked(input)
        earlier = await reader.find(deploy_id)
        if earlier is None:
            raise DeployNotFound
        dispatch = await reader.dispatch(deploy_id)
        wanted = Start(
            environment=earlier.environment,
            ref=earlier.ref,
            pipeline=earlier.pipeline,
            note=reason,
            commit_sha=earlier.commit_sha,
            request_id=inputs.optional_text("requestId", input.request_id, inputs.REQUEST),
        )
        started = await starting.start(services, identity, wanted, None if dispatch is None else dispatch.ref)
        return Deploy(record=started.deploy)
