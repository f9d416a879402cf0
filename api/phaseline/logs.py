"""Structured logs on standard error: our own lines and those of the libraries in one form."""

import logging
import re
import sys
from typing import Any

import structlog

from phaseline.settings import Settings

# What ends a value: a quote, a backslash before one, or what comes after it in a header, an address or a list.
_VALUE = r"(?!\[hidden\])[^\s'\"\\,;&\])}]+"
_BETWEEN = r"\\*['\"]\s*[:=,]\s*b?\\*['\"]?|\s*[:=]\s*b?\\*['\"]|="
# What proves who calls, or is a step to it, wherever it stands in a line. What the first group holds is kept. Before it
# stands what a line has one of, where there is anything to hide: to look for that takes next to no time.
_SECRETS = tuple(
    (marks, re.compile(pattern, re.IGNORECASE))
    for marks, pattern in (
        (("phl_",), r"()phl_\w+"),  # phaseline's tokens
        (("eyj",), r"()\beyJ[\w-]+\.[\w-]+\.[\w-]*"),  # ID tokens, and others of their form
        (("bearer", "basic", "digest", "dpop"), rf"(\b(?:bearer|basic|digest|dpop)(?:\s+|%20|\+)){_VALUE}"),
        # Headers, and what has a name as secrets have: in an address, in JSON, or as Python shows it.
        (
            ("authorization",),
            rf"(\b(?:proxy-)?authorization(?:{_BETWEEN}|:\s*)(?:(?:bearer|basic|digest|dpop)\s+)?){_VALUE}",
        ),
        (("cookie",), rf"(\bcookie(?:{_BETWEEN}|:\s*)[\w-]+=){_VALUE}"),
        (("phaseline=", "phaseline-provider="), rf"((?:phaseline|phaseline-provider)=){_VALUE}"),
        (
            ("token", "secret", "passw", "assertion", "verifier", "key"),
            rf"((?:token|secret|password|passwd|assertion|verifier|api[_-]?key)(?:{_BETWEEN})){_VALUE}",
        ),
        (("?", "&"), rf"([?&](?:code|state|nonce|code_challenge)=){_VALUE}"),  # of a sign-in that is under way
        (("://",), r"(://[^\s:/@]*:)[^\s/@]+(?=@)"),  # the password in an address
    )
)
_HIDDEN = "[hidden]"


def _hide(_logger: object, _method: str, line: str) -> str:
    """The line without secrets. None is ever logged on purpose: this is for what libraries and faults may tell."""
    lower = line.lower()
    for marks, pattern in _SECRETS:
        if any(mark in lower for mark in marks):
            line = pattern.sub(rf"\1{_HIDDEN}", line)
    return line


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
    # It tells of every socket that is opened.
    logging.getLogger("websockets.server").setLevel(logging.WARNING)
    # They tell, step by step, what was asked of a provider: secrets of a sign-in that is under way among it.
    for library in ("authlib", "httpx2", "httpcore2"):
        logging.getLogger(library).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
