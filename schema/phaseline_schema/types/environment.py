"""Environments as callers see them."""

from datetime import datetime

import strawberry
from strawberry import Info, Private

from phaseline_schema import pipeline as graph
from phaseline_schema.types.deploy import Deploy
from phaseline_schema.types.enums import WhenBusy
from phaseline_schema.types.pipeline import Pipeline
from phaseline_schema.types.reader import HasReader


@strawberry.type(description="That a deploy has its environment to itself.")
class EnvironmentHold:
    """Which deploy has it, and since when."""

    deploy: Deploy = strawberry.field(description="The deploy.")
    since: datetime = strawberry.field(description="Since when it has the environment.")


@strawberry.type(description="Where deploys go, and how, as the server's environments file says it.")
class Environment:
    """An environment, and the transition graph that its deploys follow."""

    graph: Private[graph.Pipeline]
    name: str = strawberry.field(description="Its name, such as `production`.")
    repository: str = strawberry.field(description="The repository on GitHub that is deployed, OWNER/NAME.")
    workflow: str = strawberry.field(description="The file in it of the workflow that deploys.")
    refs: list[str] = strawberry.field(
        description=(
            "Which refs may be deployed, such as `refs/heads/main`; a `*` at the end stands for whatever follows."
        )
    )
    commits: bool = strawberry.field(description="Whether any commit may be deployed by its id, whatever ref it is of.")
    protected: bool = strawberry.field(
        description="Whether people are to be asked for its name before they start a deploy to it."
    )
    when_busy: WhenBusy = strawberry.field(
        description="What becomes of a start while another deploy has the environment."
    )
    url: str | None = strawberry.field(description="Its own page, for people: an http or https address.")
    may_start: bool = strawberry.field(description="Whether the caller may start deploys to it.")

    @strawberry.field(description="The transition graph that its deploys follow.")
    def pipeline(self) -> Pipeline:
        """Its pipeline."""
        return Pipeline.of(self.graph)

    @strawberry.field(description="The deploy that has it to itself; null where it is free.")
    async def in_progress(self, info: Info[HasReader, None]) -> EnvironmentHold | None:
        """In whose hands it is."""
        found = await info.context.reader.occupancy.hold_of(self.name)
        return EnvironmentHold(deploy=Deploy(record=found[0]), since=found[1]) if found else None

    @strawberry.field(description="The deploys that wait for it, in the order in which they are to have it.")
    async def queue(self, info: Info[HasReader, None]) -> list[Deploy]:
        """Who waits for it."""
        return [Deploy(record=waiting) for waiting in await info.context.reader.occupancy.queue_of(self.name)]

    @strawberry.field(description="The deploy to it that has succeeded last; null where none has.")
    async def deployed(self, info: Info[HasReader, None]) -> Deploy | None:
        """What is there."""
        found = await info.context.reader.occupancy.deployed_to(self.name)
        return Deploy(record=found) if found else None
