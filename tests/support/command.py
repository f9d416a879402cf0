"""The `phaseline` command."""

import os
import subprocess
from pathlib import Path

from tests.support.database import address
from tests.support.server import PHASELINE


def phaseline(database: Path | str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """It, run to its end on this SQLite file, or the database of this URL."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PHASELINE_DATABASE_URL": address(database),
        "PHASELINE_PORT": "0",
        **{f"PHASELINE_{name}": value for name, value in settings.items()},
    }
    return subprocess.run([PHASELINE, *arguments], env=environment, capture_output=True, text=True, timeout=20)
