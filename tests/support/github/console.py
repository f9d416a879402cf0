"""The real deploy-console.yml, as our GitHub knows it: what it takes, and which jobs it has."""

from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML

from phaseline.resources import find
from tests.support.github.state import Workflow


def console_workflow() -> Workflow:
    """It can be dispatched with the inputs that the file has, and with no others. Its jobs go by their keys in the
    file, where GitHub's have names for people."""
    file: Mapping[str, Any] = YAML(typ="safe").load(find(".github/workflows/deploy-console.yml"))
    inputs: Mapping[str, Any] = _begun_by(file)["workflow_dispatch"]["inputs"]
    required = [name for name, said in inputs.items() if said["required"]]
    return Workflow(
        required=tuple(required),
        optional=tuple(name for name in inputs if name not in required),
        jobs=tuple(file["jobs"]),
        needs={name: _needs(job) for name, job in file["jobs"].items()},
    )


def _begun_by(file: Mapping[Any, Any]) -> Mapping[str, Any]:
    """To YAML before 1.2 the word `on` is the truth."""
    found: Mapping[str, Any] = file["on"] if "on" in file else file[True]
    return found


def _needs(job: Mapping[str, Any]) -> tuple[str, ...]:
    """One is written as itself, several are a list."""
    needs = job.get("needs", ())
    return (needs,) if isinstance(needs, str) else tuple(needs)
