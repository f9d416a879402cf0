"""Reading."""

from typing import Annotated

import strawberry
from strawberry import ID, Info

from phaseline import audit, history
from phaseline.context import Context
from phaseline.environments import file as files
from phaseline.graph import Graphs
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
        file = info.context.services.environments
        if file is None:
            return []
        pipelines = await info.context.reader.graphs()
        return [_environment(info.context, pipelines, name, one) for name, one in file.environments.items()]

    @strawberry.field(description="The environment of this name; null where the environments file has none.")
    async def environment(
        self,
        info: Info[Context, None],
        name: Annotated[str, strawberry.argument(description="Its name.")],
    ) -> Environment | None:
        """One of them."""
        wanted = inputs.text("name", name, inputs.ENVIRONMENT)
        file = info.context.services.environments
        found = None if file is None else file.environments.get(wanted)
        if found is None:
            return None
        return _environment(info.context, await info.context.reader.graphs(), wanted, found)

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


def _environment(context: Context, pipelines: Graphs, name: str, found: files.Environment) -> Environment:
    """Raises PipelineNotFound where the database, at an older revision, does not have its graph."""
    if found.pipeline not in pipelines:
        raise PipelineNotFound(sorted(pipelines))
    caller = context.identity
    return Environment(
        name=name,
        repository=found.repository,
        workflow=found.workflow,
        refs=list(found.refs),
        commits=found.commits,
        protected=found.protected,
        when_busy=found.when_busy,
        url=found.url,
        dispatches=context.services.github is not None,
        may_start=caller.refusal(Right.START_DEPLOYS) is None and caller.scope.refusal(name) is None,
        graph=pipelines[found.pipeline],
    )
