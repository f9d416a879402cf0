"""Where package managers may keep what they downloaded."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def environment() -> dict[str, str]:
    """Nothing, normally: the user's own caches are the best ones. A user whose home cannot be written to
    (`nobody`, a sandbox) gets caches inside the checkout, because npm and uv refuse to work without."""
    home = Path.home()
    if home.is_dir() and os.access(home, os.W_OK):
        return {}
    cache = ROOT / ".cache"
    return {
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(cache / "uv")),
        "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", str(cache / "pip")),
        "npm_config_cache": os.environ.get("npm_config_cache", str(cache / "npm")),  # noqa: SIM112
    }
