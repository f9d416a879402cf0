"""Reading."""

from typing import Annotated

import strawberry
from strawberry import ID, Info

from phaseline import audit, history
from phaseline.context import Context
from phaseline_schema import inputs
from phaseline_schema.refusals import PipelineNotFound
from phaseline_schema.rights import Right
from phaseline_schema.types.audit import AuditVerification
from phaseline_schema.types.deploy import AuditEntryConnection, Deploy, DeployConnection
from phaseline_schema.types.environment import Environment
from phaseline_schema.types.identity import Identity
from phaseline_schema.types.inputs import AuditFilter, DeployFilter
from phaseline_schema.types.pipeline import Pipeline

_AFTER = "The cursor of the last one of the page before."


@strawberry.type(description="Everything that can be read.")
class Query:
    """The root of queries."""

    @strawberry.field(description="One deploy; null where there is none with this id.")
    async def deploy(
        self,
        info: Info[Context, None],
        id: Annotated[ID, strawberry.argument(description="Its id.")],
    ) -> Deploy | None:
        """A deploy as it stands."""
        wanted = inputs.text("id", id, inputs.ID)
        record = await info.context.reader.find(wanted)
        return Deploy(record=record) if record else None

    @strawberry.field(description="Deploys, newest first.")
    async def deploys(
        self,
        info: Info[Context, None],
        filter: Annotated[
            DeployFilter | None, strawberry.argument(description="Which ones; all, if it is not given.")
        ] = None,
        first: Annotated[int | None, strawberry.argument(description="How many, 1 to 200.")] = 20,
        after: Annotated[str | None, strawberry.argument(description=_AFTER)] = None,
    ) -> DeployConnection:
        """A page of deploys."""
        page = await info.context.reader.read(lambda connection: history.deploys_page(connection, filter, first, after))
        return DeployConnection.of(page)

    @strawberry.field(description="The audit entries of all deploys, newest first.")
    async def audit_entries(
        self,
        info: Info[Context, None],
        filter: Annotated[
            AuditFilter | None, strawberry.argument(description="Which ones; all, if it is not given.")
        ] = None,
        first: Annotated[int | None, strawberry.argument(description="How many, 1 to 200.")] = 50,
        after: Annotated[str | None, strawberry.argument(description=_AFTER)] = None,
    ) -> AuditEntryConnection:
        """A page of audit entries."""
        page = await info.context.reader.read(lambda connection: history.entries_page(connection, filter, first, after))
        return AuditEntryConnection.of(page)

    @strawberry.field(
        description=(
            "Whether the log of a deploy holds. It cannot tell whether somebody who could write everything has "
            "written all of it anew: `phaseline audit verify --checkpoint` can."
        )
    )
    async def audit_verification(
        self,
        info: Info[Context, None],
        deploy_id: Annotated[ID, strawberry.argument(description="The deploy's id.")],
    ) -> AuditVerification:
        """The check of a deploy's log."""
        wanted = inputs.text("deployId", deploy_id, inputs.ID)
        services = info.context.services
        async with audit.in_turn(services.checking):
            found = await info.context.reader.read(
                lambda connection: audit.of_deploy(services.store.database, connection, services.graphs, wanted)
            )
        return AuditVerification.of(found)

    @strawberry.field(description="The transition graph itself.")
    async def pipeline(
        self,
        info: Info[Context, None],
        name: Annotated[str | None, strawberry.argument(description="Its name.")] = "console",
    ) -> Pipeline:
        """A pipeline by name."""
        pipelines = await info.context.reader.graphs()
        found = pipelines.get(inputs.text("name", name or "console", inputs.NAME))
        if found is None:
            raise PipelineNotFound(sorted(pipelines))
        return Pipeline.of(found)

    @strawberry.field(
        description=(
            "The environments there are, in the order of the server's environments file. Empty where it has none: then "
            "a deploy may be started for an environment of any name."
        )
    )
    async def environments(self, info: Info[Context, None]) -> list[Environment]:
        """The environments, and where the caller may start deploys."""
        services, caller = info.context.services, info.context.identity
        file = services.environments
        if file is None:
            return []
        pipelines = await info.context.reader.graphs()
        if any(one.pipeline not in pipelines for one in file.environments.values()):
            raise PipelineNotFound(sorted(pipelines))  # the database is at an older revision
        return [
            Environment(
                name=name,
                repository=one.repository,
                workflow=one.workflow,
                refs=list(one.refs),
                commits=one.commits,
                protected=one.protected,
                when_busy=one.when_busy,
                url=one.url,
                dispatches=services.github is not None,
                may_start=caller.refusal(Right.START_DEPLOYS) is None and caller.scope.refusal(name) is None,
                graph=pipelines[one.pipeline],
            )
            for name, one in file.environments.items()
        ]

    @strawberry.field(description="Who is calling, as far as it is proven. Anybody may ask.")
    async def identity(self, info: Info[Context, None]) -> Identity:
        """The caller."""
        caller = info.context.identity
        environments = caller.scope.described()
        return Identity(
            name=caller.name,
            role=caller.role,
            proof=caller.proof,
            rights=sorted(caller.rights),
            environments=None if environments is None else sorted(environments),
            expires_at=caller.expires_at,
        )
