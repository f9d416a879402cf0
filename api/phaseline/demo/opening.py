"""How a browser is led to the demo's link without anybody else on this machine being told of it."""

import html
import os
from pathlib import Path


def leading_to(link: str, folder: Path) -> str:
    """The address of a new file in this folder that leads on to the link, and that only its owner can read.

    A browser is started with the address as an argument, and arguments can be read by every process of the machine.
    """
    page = folder / "phaseline.html"
    descriptor = os.open(page, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(
            "<!doctype html><title>phaseline</title>"
            '<meta name="referrer" content="no-referrer">'
            f'<meta http-equiv="refresh" content="0;url={html.escape(link)}">'
        )
    return page.as_uri()
