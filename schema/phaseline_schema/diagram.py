"""The transition graph as a picture, drawn from its rows."""

from phaseline_schema.pipeline import Outcome, Pipeline


def mermaid(pipeline: Pipeline) -> str:
    """A Mermaid state diagram.

    The ends that every status can come to are drawn once, as a note, instead of as arrows that
    would hide all others; dashed labels mark edges for a higher attempt.
    """
    ends = {status.key for status in pipeline.statuses if status.outcome is not Outcome.IN_PROGRESS}
    open_to_all = {
        end
        for end in ends
        if all((status.key, end) in pipeline.edges for status in pipeline.statuses if status.key not in ends)
    }
    lines = ["stateDiagram-v2", f"    [*] --> {pipeline.start}"]
    for phase in pipeline.phases:
        keys = [status.key for status in pipeline.statuses if status.phase == phase.key]
        lines.append(f'    state "{phase.label}" as phase_{phase.key} {{')
        lines += [f"        {key}" for key in keys]
        lines.append("    }")
    for edge in pipeline.transitions:
        if edge.target in open_to_all and edge.origin not in ends:
            continue
        label = " : higher attempt" if edge.new_attempt else ""
        lines.append(f"    {edge.origin} --> {edge.target}{label}")
    for end in sorted(open_to_all):
        lines.append(f"    note right of {end} : from every status that is not an end")
    lines += [f"    {end} --> [*]" for end in sorted(ends)]
    return "\n".join(lines)
