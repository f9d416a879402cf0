"""The digests of audit entries, made as docs/audit.md tells, apart from the code."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_MEMBERS = {
    "id": "id",
    "deploy_id": "deployId",
    "sequence": "sequence",
    "kind": "kind",
    "pipeline": "pipeline",
    "environment": "environment",
    "from_status": "fromStatus",
    "to_status": "toStatus",
    "attempt": "attempt",
    "actor": "actor",
    "refusal": "refusal",
    "message": "message",
    "run_id": "runId",
    "run_url": "runUrl",
    "recorded_at": "recordedAt",
}

# What there is beside that in an entry that has a source.
_WITH_SOURCE = {"source": "source", "run_status": "runStatus", "run_conclusion": "runConclusion"}


def digest(entry: Mapping[str, Any], ref: str, previous: str | None, commit: str | None = None) -> str:
    """That of an entry's row, its time as either database gives it. Columns that are left out are null."""
    members = {member: entry.get(column) for column, member in _MEMBERS.items()}
    members |= {"format": "phaseline-audit-1", "ref": ref, "previous": previous}
    if entry.get("source") is not None:
        members |= {member: entry.get(column) for column, member in _WITH_SOURCE.items()}
        members |= {"format": "phaseline-audit-2", "commit": commit}
    members["id"] = str(members["id"])
    members["recordedAt"] = _time(members["recordedAt"])
    # Names in order and no white space; what is not ASCII stays as it is.
    text = json.dumps(dict(sorted(members.items())), separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _time(value: Any) -> str:
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    in_utc = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return str(in_utc.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
