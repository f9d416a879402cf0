"""Environments as callers see them."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import Info, Private

from phaseline_schema import inputs
from phaseline_schema import pipeline as graph
from phaseline_schema.types.deploy import Deploy
from phaseline_schema.types.enums import WhenBusy
from phaseline_schema.types.pipeline import Pipeline
from phaseline_schema.types.reader import HasReader


@strawberry.type(description="That a deploy has its environment to itself.")
class EnvironmentHold:
    """Which deploy has it, and since when."""

    deploy: Deploy = strawberry.field(description="The deploy.")
    since: datetime = strawberry.field(
        description="Since when it has the environment; since its start, where it was never given it."
    )


@strawberry.type(description="A branch or a tag that may be deployed.")
class RefSuggestion:
    """One of those that GitHub has."""

    name: str = strawberry.field(
        description="As a start may have it: its short name, or its whole one where that could be meant for another."
    )
    commit: str | None = strawberry.field(
        description="The commit that it stands for; null where GitHub does not tell it here, as of annotated tags."
    )


@strawberry.type(description="How a commit that would be deployed lies to the one that is.")
class Comparison:
    """As GitHub tells it."""

    base: str = strawberry.field(description="The commit that is deployed.")
    head: str = strawberry.field(description="The commit that would be.")
    status: str = strawberry.field(description="GitHub's own word: `ahead`, `behind`, `identical` or `diverged`.")
    ahead: int = strawberry.field(description="How many commits it has that the deployed one has not.")
    behind: int = strawberry.field(description="How many commits it lacks that the deployed one has.")
    url: str = strawberry.field(description="GitHub's page that shows the difference.")


# How many refs may be suggested at once, and how many are if nobody says.
_MOST_SUGGESTED, _SUGGESTED = 100, 20


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
    dispatches: bool = strawberry.field(
        description="Whether a start has GitHub begin the run. Where it is false, people start the workflow themselves."
    )

    @strawberry.field(description="The transition graph that its deploys follow.")
    def pipeline(self) -> Pipeline:
        """Its pipeline."""
        return Pipeline.of(self.graph)

    @strawberry.field(
        description=(
            "The deploy that stands in the way of any other: the one that has it to itself, or else the oldest that is "
            "in progress there, or that GitHub says is run again. Null where a start would be let in."
        )
    )
    async def in_progress(self, info: Info[HasReader, None]) -> EnvironmentHold | None:
        """In whose hands it is."""
        found = await info.context.reader.occupancy.hold_of(self.name)
        return EnvironmentHold(deploy=Deploy(record=found[0]), since=found[1]) if found else None

    @strawberry.field(description="The deploys that wait for it, in the order in which they are to have it.")
    async def queue(
        self,
        info: Info[HasReader, None],
        first: Annotated[int | None, strawberry.argument(description="How many, 1 to 200.")] = 50,
    ) -> list[Deploy]:
        """Who waits for it."""
        size = inputs.number("first", first, 50, least=1, most=200)
        waiting = await info.context.reader.occupancy.queue_of(self.name)
        return [Deploy(record=one) for one in waiting[:size]]

    @strawberry.field(description="How many deploys wait for it.")
    async def waiting(self, info: Info[HasReader, None]) -> int:
        """How long its queue is."""
        return await info.context.reader.occupancy.waiting_for(self.name)

    @strawberry.field(description="The deploy to it that has succeeded last; null where none has.")
    async def deployed(self, info: Info[HasReader, None]) -> Deploy | None:
        """What is there."""
        found = await info.context.reader.occupancy.deployed_to(self.name)
        return Deploy(record=found) if found else None

    @strawberry.field(
        description=(
            "Branches and tags on GitHub that may be deployed and whose names begin with this. It is a help to people "
            "who type: empty where GitHub is not called, or does not answer."
        )
    )
    async def ref_suggestions(
        self,
        info: Info[HasReader, None],
        prefix: Annotated[str | None, strawberry.argument(description="How their names begin.")] = "",
        first: Annotated[int | None, strawberry.argument(description="How many, 1 to 100.")] = _SUGGESTED,
    ) -> list[RefSuggestion]:
        """What could be deployed."""
        begins = inputs.optional_text("prefix", prefix, inputs.REF) or ""
        most = inputs.number("first", first, _SUGGESTED, least=1, most=_MOST_SUGGESTED)
        return await info.context.choices.suggestions(self.name, begins, most)

    @strawberry.field(
        description=(
            "What lies between the commit that is deployed and this ref, as GitHub says. Null where nothing is "
            "deployed, its commit is not known, or GitHub is not called; null with an error where GitHub does not say, "
            "or the ref may not be deployed."
        )
    )
    async def comparison(
        self,
        info: Info[HasReader, None],
        ref: Annotated[str, strawberry.argument(description="A branch, a tag or a commit that may be deployed.")],
    ) -> Comparison | None:
        """What would change."""
        wanted = inputs.text("ref", ref, inputs.REF)
        there = await info.context.reader.occupancy.deployed_to(self.name)
        if there is None or there.commit_sha is None:
            return None
        return await info.context.choices.comparison(self.name, there.commit_sha, wanted)
