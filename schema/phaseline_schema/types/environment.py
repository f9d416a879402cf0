"""Environments as callers see them."""

import strawberry
from strawberry import Private

from phaseline_schema import pipeline as graph
from phaseline_schema.types.enums import WhenBusy
from phaseline_schema.types.pipeline import Pipeline


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
        description="What is to become of a start while another deploy is in progress. Not in force yet."
    )
    url: str | None = strawberry.field(description="Its own page, for people: an http or https address.")
    may_start: bool = strawberry.field(description="Whether the caller may start deploys to it.")

    @strawberry.field(description="The transition graph that its deploys follow.")
    def pipeline(self) -> Pipeline:
        """Its pipeline."""
        return Pipeline.of(self.graph)
