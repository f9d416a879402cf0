"""What an audit entry's digest is computed over, byte for byte. docs/audit.md tells others how to compute it."""

import json
from hashlib import sha256

from phaseline_schema.records import EntryRecord
from phaseline_schema.times import rfc3339

# Named inside of what is hashed, so that a later format can never be taken for this one.
FORMAT = "phaseline-audit-1"


def digest(entry: EntryRecord, ref: str, previous: str | None) -> str:
    """The entry's digest: 64 hexadecimal digits.

    `ref` is its deploy's, which no entry holds; `previous` is the digest of the deploy's entry before it, None before
    the first.
    """
    return sha256(content(entry, ref, previous)).hexdigest()


def content(entry: EntryRecord, ref: str, previous: str | None) -> bytes:
    """What is hashed: JSON as RFC 8785 makes it canonical (names sorted, no white space, UTF-8)."""
    members = {
        "actor": entry.actor,
        "attempt": entry.attempt,
        "deployId": entry.deploy_id,
        "environment": entry.environment,
        "format": FORMAT,
        "fromStatus": entry.from_status,
        # A string, because JSON's numbers are not whole beyond 2**53.
        "id": str(entry.id),
        "kind": entry.kind.value,
        "message": entry.message,
        "pipeline": entry.pipeline,
        "previous": previous,
        "recordedAt": rfc3339(entry.recorded_at),
        "ref": ref,
        "refusal": entry.refusal,
        "runId": entry.run_id,
        "runUrl": entry.run_url,
        "sequence": entry.sequence,
        "toStatus": entry.to_status,
    }
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
