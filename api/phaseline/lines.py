"""What an exported entry is written as: a line of JSON, or a record of CSV. docs/audit.md tells others."""

import json
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from phaseline_schema.records import EntryRecord
from phaseline_schema.times import rfc3339

NAMES = (
    *("id", "deployId", "environment", "ref", "pipeline", "sequence", "kind", "fromStatus", "toStatus", "attempt"),
    *("actor", "refusal", "message", "runId", "runUrl", "recordedAt", "digest"),
    *("source", "runStatus", "runConclusion", "commit"),
)
# What is deployed: the ref and the commit, which no entry holds.
Deployed = tuple[str, str | None]

HEADER = ",".join(NAMES) + "\n"

# What a spreadsheet takes for a formula begins with one of these; the last is the mark that keeps it from doing so.
_TAKEN_FOR_MORE = ("=", "+", "-", "@", "\t", "\r", "\n", "'")


class Format(StrEnum):
    """How entries are written."""

    JSONL = "jsonl"
    CSV = "csv"

    @property
    def line(self) -> Callable[[EntryRecord, Deployed], str]:
        """Writes an entry of a deploy of this ref and commit, the end of the line included."""
        return _json if self is Format.JSONL else _csv


def _values(entry: EntryRecord, deployed: Deployed) -> tuple[str | int | None, ...]:
    ref, commit = deployed
    return (
        *(str(entry.id), entry.deploy_id, entry.environment, ref, entry.pipeline, entry.sequence, entry.kind.value),
        *(entry.from_status, entry.to_status, entry.attempt, entry.actor, entry.refusal, entry.message),
        *(entry.run_id, entry.run_url, rfc3339(entry.recorded_at), entry.digest),
        *(entry.known_source.value, entry.run_status, entry.run_conclusion, commit),
    )


def _json(entry: EntryRecord, deployed: Deployed) -> str:
    members: dict[str, Any] = dict(zip(NAMES, _values(entry, deployed), strict=True))
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")) + "\n"


def _csv(entry: EntryRecord, deployed: Deployed) -> str:
    return ",".join(map(_field, _values(entry, deployed))) + "\n"


def _field(value: str | int | None) -> str:
    """Nothing is null. Text is quoted, so that an empty one is not nothing."""
    if not isinstance(value, str):
        return "" if value is None else str(value)
    marked = f"'{value}" if value.startswith(_TAKEN_FOR_MORE) else value
    return '"' + marked.replace('"', '""') + '"'
