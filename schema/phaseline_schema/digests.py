"""What an audit entry's digest is computed over, byte for byte. docs/audit.md tells others how to compute it."""

import json
from hashlib import sha256

from phaseline_schema.records import DeployRecord, EntryRecord
from phaseline_schema.times import rfc3339

# Named inside of what is hashed, so that none can ever be taken for another one. Entries from before sources were kept
# are of the first, and stay it.
_WITHOUT_SOURCE = "phaseline-audit-1"
_FORMAT = "phaseline-audit-2"


def digest(entry: EntryRecord, deploy: DeployRecord, previous: str | None) -> str:
    """The entry's digest: 64 hexadecimal digits.

    `deploy` is its deploy, whose ref and commit no entry holds; `previous` is the digest of the deploy's entry before
    it, None before the first.
    """
    return sha256(content(entry, deploy, previous)).hexdigest()


def content(entry: EntryRecord, deploy: DeployRecord, previous: str | None) -> bytes:
    """What is hashed: JSON as RFC 8785 makes it canonical (names sorted, no white space, UTF-8)."""
    members = {
        "actor": entry.actor,
        "attempt": entry.attempt,
        "deployId": entry.deploy_id,
        "environment": entry.environment,
        "format": _WITHOUT_SOURCE,
        "fromStatus": entry.from_status,
        # A string, because JSON's numbers are not whole beyond 2**53.
        "id": str(entry.id),
        "kind": entry.kind.value,
        "message": entry.message,
        "pipeline": entry.pipeline,
        "previous": previous,
        "recordedAt": rfc3339(entry.recorded_at),
        "ref": deploy.ref,
        "refusal": entry.refusal,
        "runId": entry.run_id,
        "runUrl": entry.run_url,
        "sequence": entry.sequence,
        "toStatus": entry.to_status,
    }
    if entry.source is not None:
        members |= {
            "commit": deploy.commit_sha,
            "format": _FORMAT,
            "runConclusion": entry.run_conclusion,
            "runStatus": entry.run_status,
            "source": entry.source.value,
        }
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
