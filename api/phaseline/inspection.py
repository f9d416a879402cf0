"""The whole log, looked at in one transaction: what it comes to, and everything in it that does not hold."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline import checkpoints, graph_rows, guards, revisions
from phaseline.audit import Auditor
from phaseline.databases.kind import Database
from phaseline.store import Store
from phaseline_schema.audit.checkpoints import Checkpoint, Leaf
from phaseline_schema.audit.findings import Fault
from phaseline_schema.pipelines import PIPELINES

# Told of each fault as it is found, with the id of its deploy; None where it is no deploy's.
Tell = Callable[[str | None, Fault], None]


@dataclass
class Inspection:
    """What was looked at, and how many faults were found."""

    deploys: int = 0
    entries: int = 0
    faults: int = 0
    heads: list[Leaf] = field(default_factory=list)


async def inspect(
    store: Store, tell: Tell, *, checkpoint: Checkpoint | None = None, keep_heads: bool = False
) -> Inspection:
    """Look at one state of everything, however long it takes. Raises WrongRevision.

    `checkpoint`: what has to be there still. `keep_heads`: those of the deploys whose logs hold are in what it returns.
    """
    async with store.reading() as connection:
        await store.database.unhurried(connection)
        return await look(store.database, connection, tell, checkpoint=checkpoint, keep_heads=keep_heads)


async def look(
    database: Database,
    connection: AsyncConnection,
    tell: Tell,
    *,
    checkpoint: Checkpoint | None = None,
    keep_heads: bool = False,
) -> Inspection:
    """The same of what a transaction sees."""
    found = Inspection()

    def note(deploy_id: str | None, fault: Fault) -> None:
        found.faults += 1
        tell(deploy_id, fault)

    async with database.as_it_lies(connection):
        await revisions.require_newest(connection)
        for odd in (await graph_rows.fault(connection), await guards.fault(connection)):
            if odd is not None:
                note(None, odd)
        async for check in Auditor(database, connection, PIPELINES).every():
            found.deploys += 1
            found.entries += check.entries
            if check.fault is not None:
                note(check.deploy_id, check.fault)
            elif keep_heads and check.sequence is not None and check.head is not None:
                found.heads.append(Leaf(check.deploy_id, check.sequence, check.head))
        if checkpoint is not None:
            async for deploy_id, fault in checkpoints.faults(connection, checkpoint):
                note(deploy_id, fault)
    return found
