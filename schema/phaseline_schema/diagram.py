"""The transition graph for people: a diagram and its rows, both drawn from the rows in code."""

from phaseline_schema.pipeline import Outcome, Pipeline, Status, Transition
from phaseline_schema.records import Source

# Whose an edge is that one source alone may take, in words.
_WHOSE = {None: "a callback's, or GitHub's", Source.GITHUB: "GitHub's alone", Source.OPERATOR: "an operator's"}


def page(pipeline: Pipeline) -> str:
    """A Markdown page on a pipeline."""
    return "\n".join(
        [
            f"# The transition graph of the pipeline `{pipeline.name}`",
            "",
            "Generated from the rows in code by `make generate`; do not edit.",
            "",
            "A deploy moves along these edges and no others. The picture shows what a callback may report within an",
            "attempt. Three kinds are in the table alone, where it would drown in their arrows: the ends that every",
            "status can come to, the edges that only a higher attempt may take, when a run is run again, and those",
            "that no callback may take: what GitHub says of a run whose callbacks were lost, and what an operator",
            "does. From the start an operator may also cancel a deploy for which nothing was sent: one that waits for",
            "its environment, or of which GitHub has not been asked for a run.",
            "",
            "```mermaid",
            mermaid(pipeline),
            "```",
            "",
            "## Statuses",
            "",
            "| status | phase | what the report asserts |",
            "|---|---|---|",
            *(f"| `{status.key}` | {status.phase or '–'} | {_asserts(status)} |" for status in pipeline.statuses),
            "",
            "## Transitions",
            "",
            "| from | to | why | attempt | whose |",
            "|---|---|---|---|---|",
            *(
                f"| `{edge.origin}` | `{edge.target}` | {edge.why} | {_attempt(edge)} | {_whose(pipeline, edge)} |"
                for edge in pipeline.transitions
            ),
        ]
    )


def mermaid(pipeline: Pipeline) -> str:
    """A Mermaid state diagram of a callback's moves within an attempt, without the ends that each can come to."""
    edges = {(edge.origin, edge.target) for edge in pipeline.transitions if edge.is_open_to(Source.CALLBACK)}
    ends = {status.key for status in pipeline.statuses if status.outcome is not Outcome.IN_PROGRESS}
    going = [status.key for status in pipeline.statuses if status.key not in ends]
    open_to_all = {end for end in ends if all((origin, end) in edges for origin in going)}
    drawn = [edge for edge in pipeline.transitions if (edge.origin, edge.target) in edges and not edge.new_attempt]
    drawn = [edge for edge in drawn if edge.target not in open_to_all]
    lines = ["stateDiagram-v2", f"    [*] --> {pipeline.start}"]
    for phase in pipeline.phases:
        lines.append(f'    state "{phase.label}" as phase_{phase.key} {{')
        lines += [f"        {status.key}" for status in pipeline.statuses if status.phase == phase.key]
        lines.append("    }")
    lines += [f"    {edge.origin} --> {edge.target}" for edge in drawn]
    lines += [f"    {end} --> [*]" for end in sorted(ends & {edge.target for edge in drawn})]
    return "\n".join(lines)


def _asserts(status: Status) -> str:
    if status.outcome is Outcome.ABANDONED:
        return "end: abandoned; nothing of any phase"
    if status.outcome is not Outcome.IN_PROGRESS:
        return f"end: {status.outcome.lower()}, and so is the phase that was active, where a callback reports it"
    if not status.asserts:
        return "nothing of any phase"
    return ", ".join(f"{key} {state.lower()}" for key, state in status.asserts.items())


def _whose(pipeline: Pipeline, edge: Transition) -> str:
    more = "; an operator's, before anything is sent" if pipeline.is_withdrawal(edge) else ""
    return _WHOSE[edge.reported_by] + more


def _attempt(edge: Transition) -> str:
    return "higher" if edge.new_attempt else "same or higher"
