"""The transition graph as callers see it."""

import strawberry

from phaseline_schema import pipeline as graph
from phaseline_schema.types.enums import DeployOutcome, EntrySource


@strawberry.type(description="A phase of a pipeline: a step of the stepper.")
class PipelinePhase:
    """A row of the pipeline's phases."""

    key: str = strawberry.field(description="Its name for programs, such as `smoke_gate`.")
    label: str = strawberry.field(description="Its name for people, such as `Smoke gate`.")
    position: int = strawberry.field(description="Its place in stepper order, from 1.")


@strawberry.type(description="A status that a deploy can have in this pipeline.")
class PipelineStatus:
    """A row of the pipeline's statuses."""

    key: str = strawberry.field(description="Its name for programs, such as `smoke_running`.")
    label: str = strawberry.field(description="Its name for people.")
    phase: str | None = strawberry.field(
        description="The key of the phase it reports on; null for the start and the ends."
    )
    outcome: DeployOutcome = strawberry.field(description="How a deploy in this status stands as a whole.")


@strawberry.type(description="An edge of the transition graph. There are no moves but these.")
class Transition:
    """A row of the pipeline's transitions."""

    from_: str = strawberry.field(name="from", description="The status it leads from.")
    to: str = strawberry.field(description="The status it leads to.")
    why: str = strawberry.field(description="Why the graph has this edge.")
    new_attempt: bool = strawberry.field(
        description="Whether only a higher attempt than the deploy's may take it (a re-run)."
    )
    reported_by: EntrySource | None = strawberry.field(
        description="The source that alone may take it; null: callbacks and GitHub may."
    )


@strawberry.type(description="A transition graph: its phases, statuses and legal moves.")
class Pipeline:
    """A pipeline as the database holds it."""

    name: str = strawberry.field(description="Its name, such as `console`.")
    phases: list[PipelinePhase] = strawberry.field(description="The phases in stepper order.")
    statuses: list[PipelineStatus] = strawberry.field(
        description="The statuses, in the order in which a deploy meets them."
    )
    transitions: list[Transition] = strawberry.field(description="Every legal move.")

    @classmethod
    def of(cls, pipeline: graph.Pipeline) -> "Pipeline":
        """The GraphQL form of a pipeline."""
        return cls(
            name=pipeline.name,
            phases=[
                PipelinePhase(key=phase.key, label=phase.label, position=position)
                for position, phase in enumerate(pipeline.phases, start=1)
            ],
            statuses=[
                PipelineStatus(key=status.key, label=status.label, phase=status.phase, outcome=status.outcome)
                for status in pipeline.statuses
            ],
            transitions=[
                Transition(
                    from_=edge.origin,
                    to=edge.target,
                    why=edge.why,
                    new_attempt=edge.new_attempt,
                    reported_by=edge.reported_by,
                )
                for edge in pipeline.transitions
            ],
        )
