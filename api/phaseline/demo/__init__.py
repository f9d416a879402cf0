"""Runs the real deploy workflow on this machine, with a local runner in GitHub's place."""

from phaseline.demo.commands import GATES, Commands, watchable
from phaseline.demo.runner import Line, run_workflow
from phaseline.demo.workspace import RunnerMissing

__all__ = ["GATES", "Commands", "Line", "RunnerMissing", "run_workflow", "watchable"]
