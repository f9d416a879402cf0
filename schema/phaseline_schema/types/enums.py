"""The vocabularies of the graph and the log, as GraphQL describes them."""

from typing import Annotated

import strawberry

from phaseline_schema import environments, pipeline, records, rights
from phaseline_schema.audit import findings

DeployOutcome = Annotated[
    pipeline.Outcome,
    strawberry.enum(
        name="DeployOutcome",
        description=(
            "How a deploy stands as a whole. IN_PROGRESS until an end is reported; the others are ends. ABANDONED: "
            "nobody will report on it any more, as an operator says."
        ),
    ),
]

PhaseState = Annotated[
    pipeline.PhaseState,
    strawberry.enum(
        name="PhaseState",
        description=(
            "What the log says of a phase. PENDING: nothing yet, and the deploy has not passed it. "
            "NOT_REPORTED: a later phase has reported, or the deploy has ended, and this one never "
            "reported, or began and never said how it ended (then startedAt is set). Never shown as "
            "passed."
        ),
    ),
]

AuditKind = Annotated[
    records.AuditKind,
    strawberry.enum(
        name="AuditKind",
        description=(
            "What an audit entry records. DEPLOY_STARTED: that an operator started the deploy. TRANSITION: that it "
            "moved along the graph, as the entry's source says. CALLBACK_REFUSED: that a callback was refused. "
            "The others move nothing. RUN_REPORTED: what GitHub says of the run. DISPATCH_UNCLEAR: that the run was "
            "asked for, and it is not known whether it was begun. CANCEL_REQUESTED and RERUN_REQUESTED: that an "
            "operator has asked GitHub for it. REQUEST_FAILED: that GitHub has refused that, or was not reached, or "
            "that it is not known what it has done."
        ),
    ),
]

EntrySource = Annotated[
    records.Source,
    strawberry.enum(
        name="EntrySource",
        description=(
            "Who says what an entry records. CALLBACK: a workflow has reported. GITHUB: GitHub says so of the run. "
            "OPERATOR: a named person has done it. CONSOLE: this server, which has sent something and cannot say what "
            "has become of it."
        ),
    ),
]

Role = Annotated[
    rights.Role,
    strawberry.enum(
        name="Role",
        description=(
            "What kind of caller it is. WORKFLOW: sends callbacks. OPERATOR: reads, starts deploys, and steers them. "
            "VIEWER: reads. TOOL: reads the audit history."
        ),
    ),
]

Right = Annotated[
    rights.Right, strawberry.enum(name="Right", description="Something that a caller may be allowed to do.")
]

Proof = Annotated[
    rights.Proof,
    strawberry.enum(
        name="Proof",
        description=(
            "How it was proven who is calling: not at all, by a token, by a browser that is signed in, or by the ID "
            "token of a workflow run."
        ),
    ),
]

WhenBusy = Annotated[
    environments.WhenBusy,
    strawberry.enum(
        name="WhenBusy",
        description=(
            "What becomes of a start while another deploy to the environment is in progress. REFUSE: it is refused. "
            "WAIT: it waits until that one has ended."
        ),
    ),
]

AuditFaultKind = Annotated[
    findings.FaultKind,
    strawberry.enum(
        name="AuditFaultKind",
        description=(
            "What does not hold. MALFORMED: a value is not of its column's form. MISSING: an entry, or the deploy's "
            "row, is not there. SURPLUS: an entry has no place in the log. DIGEST: an entry's digest is not that of "
            "its content after the entry before it. UNLAWFUL: an entry could not have been recorded after those "
            "before it. ROW: the deploy's row is not what its entries make of it. GRAPH: the transition graph, or "
            "which servers the database is for, is not that of its revision. GUARD: what keeps everybody from changing "
            "the log is missing in the database, or is another, or switched off. CHECKPOINT: what a checkpoint holds "
            "is not in the log any more."
        ),
    ),
]
