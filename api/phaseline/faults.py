"""What callers are told of an error that was never meant for them, which goes to the log."""

from typing import Any

import structlog

from phaseline.store import is_unavailable, reason
from phaseline_schema.refusals import Fault, Refusal, Unavailable

log = structlog.get_logger(__name__)


def told(error: Exception, **more: Any) -> Refusal:
    """A refusal as it is; for all else the log has a line, with `more`, once for however many are told."""
    if isinstance(error, Refusal):
        return error
    if is_unavailable(error):
        log.error("database unavailable", error=reason(error))
        return Unavailable()
    log.error("unexpected error", exc_info=error, **more)
    return Fault()
