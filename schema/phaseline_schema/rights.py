"""Who may do what: the kinds of caller, what each may do, and what each operation asks for."""

from collections.abc import Mapping
from enum import StrEnum


class Right(StrEnum):
    """Something that a caller may be allowed to do."""

    READ_DEPLOYS = "READ_DEPLOYS"
    READ_AUDIT = "READ_AUDIT"
    START_DEPLOYS = "START_DEPLOYS"
    STEER_DEPLOYS = "STEER_DEPLOYS"
    SEND_CALLBACKS = "SEND_CALLBACKS"


class Role(StrEnum):
    """The kinds of caller."""

    WORKFLOW = "workflow"
    OPERATOR = "operator"
    VIEWER = "viewer"
    TOOL = "tool"


class Proof(StrEnum):
    """How it was proven who is calling: not at all, by a token, a browser's sign-in, or a workflow run's ID token."""

    NOTHING = "NOTHING"
    TOKEN = "TOKEN"
    SIGN_IN = "SIGN_IN"
    ID_TOKEN = "ID_TOKEN"


RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.WORKFLOW: frozenset({Right.SEND_CALLBACKS}),
    Role.OPERATOR: frozenset({Right.READ_DEPLOYS, Right.READ_AUDIT, Right.START_DEPLOYS, Right.STEER_DEPLOYS}),
    Role.VIEWER: frozenset({Right.READ_DEPLOYS, Right.READ_AUDIT}),
    Role.TOOL: frozenset({Right.READ_AUDIT}),
}

# Roles whose rights hold for the environments that are named with them. Reading is not divided by environment.
SCOPED = frozenset({Role.WORKFLOW, Role.OPERATOR})

# What a field asks for: any of these rights. Fields of the three roots are all here; of other fields, those whose
# content is more than what led to them. A field that is neither here nor in OPEN is closed to everybody.
#
# None: open to whoever calls. The verb behind `applyCallback` decides for itself, because it also has to record
# that it refused.
RULES: Mapping[str, frozenset[Right] | None] = {
    "Query.deploy": frozenset({Right.READ_DEPLOYS}),
    "Query.deploys": frozenset({Right.READ_DEPLOYS}),
    "Query.auditEntries": frozenset({Right.READ_AUDIT}),
    "Query.auditVerification": frozenset({Right.READ_AUDIT}),
    "Query.pipeline": frozenset({Right.READ_DEPLOYS, Right.READ_AUDIT}),
    "Query.environments": frozenset({Right.READ_DEPLOYS, Right.START_DEPLOYS}),
    "Query.environment": frozenset({Right.READ_DEPLOYS, Right.START_DEPLOYS}),
    "Query.identity": None,
    "Mutation.startDeploy": frozenset({Right.START_DEPLOYS}),
    "Mutation.applyCallback": None,
    "Mutation.abandonDeploy": frozenset({Right.STEER_DEPLOYS}),
    "Mutation.cancelDeploy": frozenset({Right.STEER_DEPLOYS}),
    "Mutation.rerunFailedJobs": frozenset({Right.STEER_DEPLOYS}),
    "Mutation.redeploy": frozenset({Right.STEER_DEPLOYS}),
    "Subscription.phaseChanged": frozenset({Right.READ_DEPLOYS}),
    "Subscription.auditEntryAdded": frozenset({Right.READ_AUDIT}),
    "Deploy.auditEntries": frozenset({Right.READ_AUDIT}),
    "Environment.inProgress": frozenset({Right.READ_DEPLOYS}),
    "Environment.queue": frozenset({Right.READ_DEPLOYS}),
    "Environment.waiting": frozenset({Right.READ_DEPLOYS}),
    "Environment.deployed": frozenset({Right.READ_DEPLOYS}),
    # GitHub is asked for these, and has a limit.
    "Environment.refSuggestions": frozenset({Right.START_DEPLOYS}),
    "Environment.comparison": frozenset({Right.START_DEPLOYS}),
}

# Fields that are open to whoever may have what led to them, by their object's type.
OPEN: Mapping[str, frozenset[str]] = {
    "AuditEntry": frozenset(
        {
            *("id", "deploy", "sequence", "kind", "fromStatus", "toStatus", "attempt", "actor", "refusal", "message"),
            *("runId", "runUrl", "digest", "recordedAt", "source", "runStatus", "runConclusion"),
        }
    ),
    "AuditEntryConnection": frozenset({"edges", "pageInfo"}),
    "AuditEntryEdge": frozenset({"cursor", "node"}),
    "AuditFault": frozenset({"sequence", "kind", "message"}),
    "AuditVerification": frozenset({"deployId", "valid", "entries", "head", "fault"}),
    "CallbackReceipt": frozenset({"deploy", "entry", "duplicate"}),
    "Comparison": frozenset({"base", "head", "status", "ahead", "behind", "url"}),
    "Deploy": frozenset(
        {
            *("id", "environment", "ref", "pipeline", "status", "phases", "attempt", "sequence", "startedBy"),
            *("startedAt", "updatedAt", "finishedAt", "runUrl", "commit", "run", "queuePosition", "request"),
            *("dispatch",),
        }
    ),
    "DeployConnection": frozenset({"edges", "pageInfo"}),
    "DeployEdge": frozenset({"cursor", "node"}),
    "DeployStatus": frozenset({"key", "label", "outcome", "next"}),
    "Dispatch": frozenset({"state", "reason", "ref", "runId", "updatedAt"}),
    "Environment": frozenset(
        {
            *("name", "repository", "workflow", "refs", "commits", "protected", "whenBusy", "pipeline", "url"),
            *("mayStart", "dispatches"),
        }
    ),
    "EnvironmentHold": frozenset({"deploy", "since"}),
    "Identity": frozenset({"name", "role", "proof", "rights", "environments", "expiresAt"}),
    "OperatorRequest": frozenset({"kind", "actor", "reason", "requestedAt", "failure", "failedBy"}),
    "PageInfo": frozenset({"hasNextPage", "hasPreviousPage", "startCursor", "endCursor"}),
    "Phase": frozenset({"key", "label", "position", "state", "attempt", "startedAt", "finishedAt"}),
    "PhaseChanged": frozenset({"deploy", "entry"}),
    "Pipeline": frozenset({"name", "phases", "statuses", "transitions"}),
    "PipelinePhase": frozenset({"key", "label", "position"}),
    "PipelineStatus": frozenset({"key", "label", "phase", "outcome"}),
    "RefSuggestion": frozenset({"name", "commit"}),
    "Run": frozenset({"id", "url", "attempt", "status", "conclusion", "reportedAt"}),
    "Transition": frozenset({"from", "to", "why", "newAttempt", "reportedBy"}),
}
