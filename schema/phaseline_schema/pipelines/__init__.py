"""The pipelines there are, by name. A new one is a new file of rows and a migration."""

from phaseline_schema.pipeline import Pipeline
from phaseline_schema.pipelines.console import CONSOLE

PIPELINES: dict[str, Pipeline] = {pipeline.name: pipeline for pipeline in (CONSOLE,)}
