"""What operators do with a deploy that there is."""

from typing import Annotated

import strawberry
import structlog
from strawberry import Info

from phaseline import steering
from phaseline.context import Context, Services
from phaseline.steering import Steered
from phaseline.store import to_the_end
from phaseline_schema import inputs
from phaseline_schema.types.deploy import Deploy
from phaseline_schema.types.inputs import CancelInput, RedeployInput, SteerInput

log = structlog.get_logger(__name__)


@strawberry.type(description="What operators do with a deploy that there is.")
class Steering:
    """Mutations of deploys by people."""

    @strawberry.mutation(
        description=(
            "An operator ends a deploy that nobody will report on any more. It is for what GitHub cannot tell: a run "
            "that was never begun, or is not on GitHub. Refused with NOT_POSSIBLE_NOW where the deploy has ended."
        )
    )
    async def abandon_deploy(
        self,
        info: Info[Context, None],
        input: Annotated[SteerInput, strawberry.argument(description="Which one, and why.")],
    ) -> Deploy:
        """Record that it is abandoned."""
        services, identity = info.context.services, info.context.identity
        deploy_id, reason = asked(input)

        async def abandon() -> Steered:
            done = await services.store.write(
                lambda connection: steering.abandon(connection, services.graphs, identity, deploy_id, reason), deploy_id
            )
            tell(services, done)
            return done

        done = await to_the_end(abandon())
        return Deploy(record=done.deploy, known_graph=done.pipeline)


def asked(input: SteerInput | CancelInput | RedeployInput) -> tuple[str, str]:
    """The deploy's id, and the reason. Raises BadUserInput."""
    deploy_id = inputs.text("deployId", input.deploy_id, inputs.ID)
    return deploy_id, inputs.text("reason", input.reason, inputs.MESSAGE)


def tell(services: Services, done: Steered) -> None:
    """Tell of what an operator has done. Called after the commit."""
    entry = done.entry
    services.feed.announce(entry, done.pipeline)
    log.info(
        "steered",
        deploy=entry.deploy_id,
        kind=entry.kind,
        status=entry.to_status,
        attempt=entry.attempt,
        sequence=entry.sequence,
        actor=entry.actor,
    )
