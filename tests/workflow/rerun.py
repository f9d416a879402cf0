"""What GitHub's "Re-run failed jobs" does, for act, which can only run all jobs of a workflow, or one and its needs."""

from collections.abc import Collection
from pathlib import Path

from ruamel.yaml import YAML

from phaseline.resources import find


def rerun_of_failed_jobs(target: Path, *, passed: Collection[str]) -> Path:
    """Writes deploy-console.yml to `target` with the jobs that `passed` in the attempt before doing nothing more.

    GitHub keeps those jobs' results and runs the others, with the jobs that need them, as attempt + 1. Here they stay
    in the workflow, so that every `needs` and every result is as it was, and are left their last step, which notes
    that all was run. What else they put out is gone; the workflow then falls back to what it was called with.
    """
    yaml = YAML()
    yaml.preserve_quotes = True
    workflow = yaml.load(find(".github/workflows/deploy-console.yml"))
    for name in passed:
        job = workflow["jobs"][name]
        job["steps"] = job["steps"][-1:]
        job["outputs"] = {"whole": job["outputs"]["whole"]}
    yaml.dump(workflow, target)
    return target
