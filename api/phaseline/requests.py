"""Requests that callers have named: the same one of the same caller starts one deploy, however often it is sent."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from phaseline.history import deploy_rows
from phaseline.identity import Identity
from phaseline_schema.records import DeployRecord, Start
from phaseline_schema.refusals import BadUserInput
from phaseline_schema.tables import audit_entries, deploys


async def answered(connection: AsyncConnection, identity: Identity, wanted: Start) -> DeployRecord | None:
    """The deploy that the same request has started before, as it stands; None where there is none.

    The commit may be another meanwhile: what was asked for is the ref. Raises BadUserInput where the caller has called
    another request the same.
    """
    if wanted.request_id is None:
        return None
    columns = deploys.c
    same = deploy_rows.where(columns.started_by == identity.name, columns.request_id == wanted.request_id)
    row = (await connection.execute(same)).first()
    if row is None:
        return None
    found = DeployRecord(*row)
    asked_for = (found.environment, found.ref, found.pipeline, await _note(connection, found.id))
    if asked_for != (wanted.environment, wanted.ref, wanted.pipeline, wanted.note):
        raise BadUserInput("requestId", "is that of another request, which asked for something else")
    return found


async def _note(connection: AsyncConnection, deploy_id: str) -> str | None:
    columns = audit_entries.c
    first = select(columns.message).where(columns.deploy_id == deploy_id, columns.sequence == 1)
    note: str | None = (await connection.execute(first)).scalar_one()
    return note
