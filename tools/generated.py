"""Write again the files that are generated from Python; with --check, only name those that are stale.

The types of the frontend are generated from the SDL by the frontend's own `generate` script.
"""

import subprocess
import sys
from pathlib import Path

import caches

ROOT = caches.ROOT
PHASELINE = ROOT / ".venv" / "bin" / "phaseline"


def printed(*command: str) -> str:
    return (
        subprocess.run([PHASELINE, *command], check=True, stdout=subprocess.PIPE, text=True).stdout.rstrip("\n") + "\n"
    )


def contents() -> dict[Path, str]:
    return {
        ROOT / "schema" / "schema.graphql": printed("sdl"),
        ROOT / "docs" / "transition-graph.md": printed("diagram"),
        ROOT / "docs" / "settings.md": printed("settings", "--markdown"),
    }


def main(check: bool) -> str | None:
    stale = [path for path, content in contents().items() if not path.exists() or path.read_text() != content]
    names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
    if check:
        return f"Stale: {names}. Run `make generate`." if stale else None
    for path in stale:
        path.write_text(contents()[path])
    print(f"Written: {names or 'nothing, all was fresh'}")
    return None


if __name__ == "__main__":
    sys.exit(main(check=sys.argv[1:] == ["--check"]))
