"""Writing: starting a deploy, and reporting a status."""

from collections.abc import Awaitable
from typing import Annotated

import strawberry
import structlog
from strawberry import Info

from phaseline import deploys, metrics
from phaseline.context import Context, Services
from phaseline.identity import Identity
from phaseline.operations import starting
from phaseline.operations.asking import Asking
from phaseline.operations.errors import code_of
from phaseline.operations.steering import Steering
from phaseline.rates import Kind
from phaseline.store import to_the_end
from phaseline_schema import inputs
from phaseline_schema.records import Callback, Start
from phaseline_schema.refusals import CallbackRefusal
from phaseline_schema.rights import Right
from phaseline_schema.types.deploy import AuditEntry, CallbackReceipt, Deploy
from phaseline_schema.types.inputs import CallbackInput, StartDeployInput

log = structlog.get_logger(__name__)


@strawberry.type(description="Everything that can be written.")
class Mutation(Steering, Asking):
    """The root of mutations."""

    @strawberry.mutation(
        description=(
            "An operator starts a deploy. Its id is the console_deploy_id that the workflow is given. Where another "
            "deploy has the environment, it is refused with ENVIRONMENT_BUSY, or waits in the environment's queue, as "
            "the environments file says. Where this server dispatches, GitHub is asked first which commit the ref is, "
            "and nothing is recorded where it does not say; when the deploy is recorded, GitHub is asked for its run."
        )
    )
    async def start_deploy(
        self,
        info: Info[Context, None],
        input: Annotated[StartDeployInput, strawberry.argument(description="What is started.")],
    ) -> Deploy:
        """Record a new deploy."""
        services, identity = info.context.services, info.context.identity
        wanted = Start(
            environment=inputs.text("environment", input.environment, inputs.ENVIRONMENT),
            ref=inputs.text("ref", input.ref, inputs.REF),
            pipeline=inputs.text("pipeline", input.pipeline or "console", inputs.NAME),
            note=inputs.optional_text("note", input.note, inputs.MESSAGE),
            request_id=inputs.optional_text("requestId", input.request_id, inputs.REQUEST),
        )
        return Deploy(record=(await starting.start(services, identity, wanted)).deploy)

    @strawberry.mutation(
        description=(
            "A workflow reports a status. Refused with HTTP 422 where the transition graph has no "
            "such edge. A status that this deploy and attempt already reported is answered with "
            "the first entry and duplicate: true, and nothing is written."
        )
    )
    async def apply_callback(
        self,
        info: Info[Context, None],
        input: Annotated[CallbackInput, strawberry.argument(description="What is reported.")],
    ) -> CallbackReceipt:
        """Record a report, accepted or refused."""
        services, identity = info.context.services, info.context.identity
        receipt = await to_the_end(_answer(services, identity, input))
        if receipt.refusal is not None:
            raise receipt.refusal
        deploy = Deploy(record=receipt.deploy, known_graph=receipt.pipeline)
        return CallbackReceipt(
            deploy=deploy,
            entry=AuditEntry(record=receipt.entry, known_deploy=deploy),
            duplicate=receipt.duplicate,
        )


async def _answer(services: Services, identity: Identity, input: CallbackInput) -> deploys.Receipt:
    """Record the callback, and count it by its answer."""
    try:
        receipt = await _apply(services, identity, _admitted(services, identity, _callback(input)))
    except Exception as error:
        metrics.callback(code_of(error))
        raise
    if receipt.refusal is not None:
        metrics.callback(receipt.refusal.code)
    else:
        metrics.callback("duplicate" if receipt.duplicate else "accepted")
    return receipt


def _admitted(services: Services, identity: Identity, callback: Callback) -> Callback:
    """The callback, unless it would be refused and no longer be recorded: that needs no database. Raises Refusal."""
    refusal = identity.refusal(Right.SEND_CALLBACKS)
    if refusal is not None and services.rates.used_up(Kind.REFUSED_CALLBACKS, _both(callback.deploy_id, identity)):
        raise refusal
    return callback


async def _recorded(services: Services, identity: Identity, applied: Awaitable[deploys.Receipt]) -> deploys.Receipt:
    """What became of a callback; of one that its sender may not send, only while there are few in the deploy's log.

    Raises its refusal where there are enough of them, which undoes what was written.
    """
    receipt = await applied
    refusal = receipt.refusal
    if refusal is None or receipt.duplicate or isinstance(refusal, CallbackRefusal):
        return receipt
    if services.rates.refusal(Kind.REFUSED_CALLBACKS, _both(receipt.deploy.id, identity)) is not None:
        raise refusal
    return receipt


def _both(deploy_id: str, identity: Identity) -> str:
    """What refused callbacks are counted by: of callers without a role together, so that they hide nobody else's."""
    return f"{deploy_id} {identity.name if identity.role else ''}"


def _callback(input: CallbackInput) -> Callback:
    return Callback(
        deploy_id=inputs.text("deployId", input.deploy_id, inputs.ID),
        status=inputs.text("status", input.status, inputs.STATUS),
        attempt=inputs.number("attempt", input.attempt, 1, least=1, most=2**31 - 1),
        run_id=inputs.optional_text("runId", input.run_id, inputs.ID),
        run_url=inputs.optional_url("runUrl", input.run_url),
        message=inputs.optional_text("message", input.message, inputs.MESSAGE),
    )


async def _apply(services: Services, identity: Identity, callback: Callback) -> deploys.Receipt:
    """Record the callback, and tell of it."""
    receipt = await services.store.write(
        lambda connection: _recorded(
            services, identity, deploys.apply(connection, services.graphs, identity, callback)
        ),
        callback.deploy_id,
    )
    if not receipt.duplicate:
        services.feed.announce(receipt.entry, receipt.pipeline)
    log.info(
        "callback",
        deploy=receipt.deploy.id,
        status=callback.status,
        attempt=callback.attempt,
        sequence=receipt.entry.sequence,
        duplicate=receipt.duplicate,
        refusal=receipt.refusal.code if receipt.refusal else None,
        actor=identity.name,
    )
    return receipt
