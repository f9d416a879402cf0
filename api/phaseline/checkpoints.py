"""Holding the log against a checkpoint: whether all that it had come to by then is still there, as it was."""

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import column, select, table, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline_schema.audit import checkpoints
from phaseline_schema.audit.checkpoints import Checkpoint, Leaf
from phaseline_schema.audit.findings import Fault, FaultKind

_BATCH = 200

# Without types, as they lie.
_deploys = table("deploys", column("id"))
_entries = table("audit_entries", column("deploy_id"), column("sequence"), column("digest"))

_REWRITTEN = "the entry, or one before it, is another than when the checkpoint was made"


def fault_of(checkpoint: Checkpoint, root: str | None) -> Fault | None:
    """What is wrong with the checkpoint itself. `root` is the one that was kept elsewhere, where it was."""
    found = checkpoints.root(checkpoint.leaves)
    if found != checkpoint.root:
        return Fault(FaultKind.CHECKPOINT, "the checkpoint's root is not that of its leaves: its file was changed")
    if root is not None and found != root:
        return Fault(FaultKind.CHECKPOINT, "the checkpoint has another root than the one that was kept")
    return None


async def faults(connection: AsyncConnection, checkpoint: Checkpoint) -> AsyncIterator[tuple[str, Fault]]:
    """What has vanished or was rewritten since, each with its deploy's id."""
    for start in range(0, len(checkpoint.leaves), _BATCH):
        leaves = checkpoint.leaves[start : start + _BATCH]
        digests = await _digests(connection, leaves)
        odd = [leaf for leaf in leaves if digests.get((leaf.deploy_id, leaf.sequence)) != {leaf.digest}]
        there = await _there(connection, odd)
        for leaf in odd:
            yield leaf.deploy_id, _fault(leaf, leaf.deploy_id in there, (leaf.deploy_id, leaf.sequence) in digests)


def _fault(leaf: Leaf, has_deploy: bool, has_entry: bool) -> Fault:
    if not has_deploy:
        message = f"the deploy has vanished since the checkpoint was made; it had come to entry {leaf.sequence}"
        return Fault(FaultKind.CHECKPOINT, message)
    message = _REWRITTEN if has_entry else "the entry has vanished since the checkpoint was made"
    return Fault(FaultKind.CHECKPOINT, message, leaf.sequence)


async def _digests(connection: AsyncConnection, leaves: Sequence[Leaf]) -> dict[tuple[str, int], set[object]]:
    wanted = [(leaf.deploy_id, leaf.sequence) for leaf in leaves]
    columns = _entries.c
    query = select(columns.deploy_id, columns.sequence, columns.digest)
    found: dict[tuple[str, int], set[object]] = {}
    for deploy_id, sequence, digest in await connection.execute(
        query.where(tuple_(columns.deploy_id, columns.sequence).in_(wanted))
    ):
        found.setdefault((deploy_id, sequence), set()).add(digest)
    return found


async def _there(connection: AsyncConnection, leaves: Sequence[Leaf]) -> set[str]:
    ids = [leaf.deploy_id for leaf in leaves]
    return set(await connection.scalars(select(_deploys.c.id).where(_deploys.c.id.in_(ids))))
