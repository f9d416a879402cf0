"""What the phases of the workflow run."""

import shlex
from dataclasses import dataclass, replace

# The name by which `phaseline demo` calls each command, and the field that holds it.
GATES = {
    "smoke": "smoke",
    "freeze": "freeze_check",
    "build": "build",
    "deploy": "deploy",
    "health": "health_check",
}


@dataclass(frozen=True)
class Commands:
    """A bash command for each thing the workflow runs. Empty: it runs nothing, and its report says so."""

    smoke: str = "true"
    freeze_check: str = "true"
    build: str = "true"
    deploy: str = "true"
    health_check: str = "true"

    def variables(self) -> dict[str, str]:
        """The repository variables by which the workflow is given them."""
        given = {
            "PHASELINE_SMOKE_COMMAND": self.smoke,
            "PHASELINE_FREEZE_CHECK_COMMAND": self.freeze_check,
            "PHASELINE_BUILD_COMMAND": self.build,
            "PHASELINE_DEPLOY_COMMAND": self.deploy,
            "PHASELINE_HEALTH_CHECK_COMMAND": self.health_check,
        }
        return {name: command for name, command in given.items() if command}


def watchable(pause_seconds: float, fail: str | None = None) -> Commands:
    """Commands that do nothing but take `pause_seconds` each, so that a person can watch the phases change.

    `fail` names the gate, a key of GATES, whose command ends with an error. Raises ValueError for any other name.
    """
    pause = f"sleep {pause_seconds:g}"
    commands = Commands(*(pause for _ in GATES))
    if fail is None:
        return commands
    if fail not in GATES:
        raise ValueError(f"{fail!r} is no gate; the gates are {', '.join(GATES)}")
    words = shlex.quote(f"The {fail} command fails, because the demo was asked to fail here.")
    return replace(commands, **{GATES[fail]: f"{pause}; echo {words} >&2; exit 1"})
