"""What whoever starts a server should know at once, in its log."""

import structlog

from phaseline.callers import tokens
from phaseline.files import Files
from phaseline.settings import Settings
from phaseline.store import Store

log = structlog.get_logger(__name__)


async def give(store: Store, found: Settings, files: Files) -> None:
    """Say that anybody may do everything, or that nobody can do anything yet; and that GitHub is not called."""
    if found.authentication == "off":
        log.warning("AUTHENTICATION IS OFF: whoever reaches this server may do everything, and the log names nobody")
    elif files.trust.provider is None and found.accept_revision is None and not await store.read(tokens.were_made):
        log.warning(
            "nobody can sign in yet, for there is no token: "
            "make one with `phaseline token create --role operator --name YOU`"
        )
    if files.environments is not None and files.github is None:
        log.warning(
            "phaseline does not call GitHub: "
            "neither PHASELINE_GITHUB_TOKEN is set, nor PHASELINE_GITHUB_KEY_FILE for a GitHub App"
        )
