"""The transition graph for people: a diagram and its rows, both drawn from the rows in code."""

from phaseline_schema.pipeline import Outcome, Pipeline, Status, Transition


def page(pipeline: Pipeline) -> str:
    """A Markdown page on a pipeline."""
    return "\n".join(
        [
            f"# The transition graph of the pipeline `{pipeline.name}`",
            "",
            "Generated from the rows in code by `make generate`; do not edit.",
            "",
            "A deploy moves along these edges and no others. Two kinds are in the table alone, where the",
            "picture would drown in their arrows: the ends that every status can come to, and the edges",
            "that only a higher attempt may take, when a run is run again.",
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
            "| from | to | why | attempt |",
            "|---|---|---|---|",
            *(
                f"| `{edge.origin}` | `{edge.target}` | {edge.why} | {_attempt(edge)} |"
                for edge in pipeline.transitions
            ),
        ]
    )


def mermaid(pipeline: Pipeline) -> str:
    """A Mermaid state diagram of the moves within an attempt, without the ends that every status can come to."""
    ends = {status.key for status in pipeline.statuses if status.outcome is not Outcome.IN_PROGRESS}
    going = [status.key for status in pipeline.statuses if status.key not in ends]
    open_to_all = {end for end in ends if all((origin, end) in pipeline.edges for origin in going)}
    lines = ["stateDiagram-v2", f"    [*] --> {pipeline.start}"]
    for phase in pipeline.phases:
        lines.append(f'    state "{phase.label}" as phase_{phase.key} {{')
        lines += [f"        {status.key}" for status in pipeline.statuses if status.phase == phase.key]
        lines.append("    }")
    for edge in pipeline.transitions:
        if edge.target not in open_to_all and not edge.new_attempt:
            lines.append(f"    {edge.origin} --> {edge.target}")
    lines += [f"    {end} --> [*]" for end in sorted(ends - open_to_all)]
    return "\n".join(lines)


def _asserts(status: Status) -> str:
    if status.outcome is not Outcome.IN_PROGRESS:
        return f"end: {status.outcome.lower()}, and so is the phase that was active"
    if not status.asserts:
        return "nothing of any phase"
    return ", ".join(f"{key} {state.lower()}" for key, state in status.asserts.items())


def _attempt(edge: Transition) -> str:
    return "higher" if edge.new_attempt else "same or higher"
