"""Structured logs on standard error: our own lines and those of the libraries in one form."""

import logging
import re
import sys
from typing import Any

import structlog

from phaseline.settings import Settings

# What proves who calls, wherever it stands in a line: phaseline's tokens, ID tokens and others of their form, whatever
# follows `Bearer`, and the cookie of a browser that is signed in.
_SECRETS = re.compile(
    r"phl_\w+|\beyJ[\w-]+\.[\w-]+\.[\w-]*|(?<=bearer )[^\s'\",\]]+|(?<=phaseline=)[^\s;'\",]+", re.IGNORECASE
)
_HIDDEN = "[hidden]"


def _hide(_logger: object, _method: str, line: str) -> str:
    """The line without secrets. None is ever logged on purpose: this is for what libraries and faults may tell."""
    return _SECRETS.sub(_HIDDEN, line)


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure(settings: Settings) -> None:
    """Send every log line through one formatter: for people on a terminal, else as JSON."""
    for_people = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    # Traces without the values of variables: those hold what callers sent.
    renderers: list[Any] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback), _hide]
        if for_people
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(), _hide]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    # Finer lines of libraries hold what callers sent: whole requests, and values in statements.
    root.setLevel(max(logging.getLevelNamesMapping()[settings.log_level.upper()], logging.INFO))
    logging.getLogger("phaseline").setLevel(settings.log_level.upper())
    logging.captureWarnings(True)  # Python's own are lines like all others
    # uvicorn tells of its start and end in several lines; serving.py says it in one.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    # Alembic tells of every migration context it makes; Strawberry repeats every error of a
    # caller with a trace, which operations/errors.py has already dealt with.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("strawberry.execution").setLevel(logging.CRITICAL)
    # They tell, step by step, what was asked of a provider: secrets of a sign-in that is under way among it.
    for library in ("authlib", "httpx2", "httpcore2"):
        logging.getLogger(library).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
