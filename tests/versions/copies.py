"""The code of this version, to be made into that of another."""

import shutil
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def copy_to(folder: Path) -> None:
    """Copy what a server needs of it into this folder, which does not exist yet."""
    for part in ("api", "schema", "migrations"):
        shutil.copytree(_ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
