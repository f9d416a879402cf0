"""What whoever starts a server should know at once, in its log."""

import structlog

from phaseline.callers import tokens
from phaseline.callers.trust import Trust
from phaseline.settings import Settings
from phaseline.store import Store

log = structlog.get_logger(__name__)


async def give(store: Store, found: Settings, trusted: Trust) -> None:
    """Say that anybody may do everything, or that nobody can do anything yet."""
    if found.authentication == "off":
        log.warning("AUTHENTICATION IS OFF: whoever reaches this server may do everything, and the log names nobody")
    elif trusted.provider is None and found.accept_revision is None and not await store.read(tokens.were_made):
        log.warning(
            "nobody can sign in yet, for there is no token: "
            "make one with `phaseline token create --role operator --name YOU`"
        )
