"""Builds what a declarative Jenkinsfile says, as far as the recipe uses it; it refuses a file that uses more."""

import re
from collections.abc import Mapping

from .jenkinsfile import Node, Value, parse
from .recipes import Project, run

_SECTIONS = {"agent", "options", "parameters", "environment", "stages", "post"}
_CONDITIONS = {"SUCCESS": "success", "FAILURE": "failure", "UNSTABLE": "unstable", "ABORTED": "aborted"}
_EXPRESSION = re.compile(r"\$\{env\.(\w+)( \?: '')?\}")


class Job:
    """A job of Jenkins. Its builds are numbered from `first`, and share a workspace that nobody cleans."""

    def __init__(
        self, text: str, project: Project, properties: Mapping[str, str], secrets: Mapping[str, str], first: int = 57
    ) -> None:
        self._pipeline = parse(text)
        if unknown := {section.name for section in self._pipeline.body} - _SECTIONS:
            raise NotImplementedError(f"this runner does not know {unknown}")
        self._project, self._properties, self._secrets = project, properties, secrets
        self._number = first - 1
        self.lines: list[str] = []

    @property
    def stages(self) -> list[str]:
        return [stage.values[0].text for stage in self._pipeline.one("stages").all("stage")]

    async def build(
        self,
        parameters: Mapping[str, str],
        *,
        abort_at: str | None = None,
        from_stage: str | None = None,
        marked: str | None = None,
    ) -> str:
        """Build, or build again, from this stage on; returns the result.

        The build is aborted where one of its commands prints the line `abort_at`. `marked` is the result that some step
        gives a build all of whose commands pass.
        """
        self._number += 1
        environment = self._environment(parameters)
        result = "SUCCESS"
        for stage in self._pipeline.one("stages").all("stage"):
            if from_stage in (None, stage.values[0].text) and result == "SUCCESS":
                from_stage = None
                result = await self._steps(stage.one("steps"), environment, abort_at)
        if result == "SUCCESS" and marked:
            result = marked
        for condition in self._pipeline.one("post").all(_CONDITIONS[result]):
            await self._steps(condition, environment)
        return result

    async def _steps(self, section: Node, environment: Mapping[str, str], abort_at: str | None = None) -> str:
        for step in section.body:
            [script] = step.values
            assert (step.name, script.kind) == ("sh", "plain"), f"this runner does not know {step}"
            ended = await run(["sh", "-xec", script.text], self._project.tree, environment, abort_at)
            self.lines += ended.lines
            if ended.cut_short:
                return "ABORTED"
            if ended.code:
                return "FAILURE"
        return "SUCCESS"

    def _environment(self, parameters: Mapping[str, str]) -> dict[str, str]:
        found = {"PATH": self._project.path, "BUILD_NUMBER": str(self._number), **self._properties}
        for parameter in self._pipeline.one("parameters").body:
            name = parameter.named["name"].text
            found[name] = parameters.get(name, parameter.named["defaultValue"].text)
        assert set(parameters) <= set(found), "Jenkins ignores parameters that a job does not have"
        for variable in self._pipeline.one("environment").body:
            assert variable.assigned is not None
            found[variable.name] = self._evaluated(variable.assigned, found)
        return found

    def _evaluated(self, value: Value, environment: Mapping[str, str]) -> str:
        if value.kind == "word":
            assert value.text == "credentials", f"this runner does not know {value}"
            return self._secrets[value.arguments[0].text]
        if value.kind != "interpolated":
            return value.text
        text = _EXPRESSION.sub(
            lambda match: environment.get(match[1], "" if match[2] else "null"),
            value.text,
        )
        assert "$" not in text, f"this runner does not know {value}"
        return text
