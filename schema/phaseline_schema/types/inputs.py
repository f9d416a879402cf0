"""What callers send."""

from datetime import datetime

import strawberry
from strawberry import ID

from phaseline_schema.types.enums import AuditKind, DeployOutcome, EntrySource


@strawberry.input(description="What an operator starts.")
class StartDeployInput:
    """Input of `startDeploy`."""

    environment: str = strawberry.field(
        description="Where it goes, such as `production`: one line of at most 64 characters."
    )
    ref: str = strawberry.field(description="A branch, a tag or a commit: one line of at most 255 characters.")
    pipeline: str | None = strawberry.field(default="console", description="The transition graph it will follow.")
    note: str | None = strawberry.field(
        default=None,
        description="Why: one line of at most 500 characters, the message of its first entry.",
    )
    request_id: str | None = strawberry.field(
        default=None,
        description=(
            "What the caller calls this request, such as a UUID that a form has made when it was opened: one line of "
            "at most 64 characters. The same request of the same caller is answered with the deploy that it has "
            "started, and starts no other."
        ),
    )


@strawberry.input(description="Which deploy an operator has something to say of, and why.")
class SteerInput:
    """Input of what operators do with a deploy that there is."""

    deploy_id: ID = strawberry.field(description="The deploy's id.")
    reason: str = strawberry.field(
        description="Why: one line of at most 500 characters, the message of the entry that records it."
    )


@strawberry.input(description="Which deploy is cancelled, and why.")
class CancelInput:
    """Input of `cancelDeploy`."""

    deploy_id: ID = strawberry.field(description="The deploy's id.")
    reason: str = strawberry.field(
        description="Why: one line of at most 500 characters, the message of the entry that records it."
    )
    only_unsent: bool | None = strawberry.field(
        default=False,
        description=(
            "Whether it is to be cancelled only if GitHub was not asked for a run of it: where one was begun, or may "
            "have been, that run goes on, and nothing is recorded."
        ),
    )


@strawberry.input(description="Which deploy is deployed once more, and why.")
class RedeployInput:
    """Input of `redeploy`."""

    deploy_id: ID = strawberry.field(description="The id of the deploy whose ref and commit are deployed again.")
    reason: str = strawberry.field(
        description="Why: one line of at most 500 characters, the message of the new deploy's first entry."
    )
    request_id: str | None = strawberry.field(
        default=None, description="What the caller calls this request, as in `StartDeployInput`."
    )


@strawberry.input(description="What a workflow reports.")
class CallbackInput:
    """Input of `applyCallback`."""

    deploy_id: ID = strawberry.field(description="The console_deploy_id it was given.")
    status: str = strawberry.field(description="The key of the status it reports.")
    attempt: int | None = strawberry.field(
        default=1, description="GitHub's run_attempt: 1, then one more for each re-run."
    )
    run_id: str | None = strawberry.field(default=None, description="GitHub's run_id: at most 64 characters.")
    run_url: str | None = strawberry.field(default=None, description="The run's page: an http or https address.")
    message: str | None = strawberry.field(default=None, description="One line for people, at most 500 characters.")


@strawberry.input(description="Which deploys are wanted; what is not given does not matter.")
class DeployFilter:
    """Filter of `deploys`."""

    environment: str | None = strawberry.field(default=None, description="Those of it.")
    outcome: DeployOutcome | None = strawberry.field(default=None, description="Those that stand so.")
    started_after: datetime | None = strawberry.field(default=None, description="Those started after this time.")
    started_before: datetime | None = strawberry.field(default=None, description="Those started before this time.")


@strawberry.input(description="Which audit entries are wanted; what is not given does not matter.")
class AuditFilter:
    """Filter of `auditEntries`."""

    deploy_id: ID | None = strawberry.field(default=None, description="Those of this deploy.")
    environment: str | None = strawberry.field(default=None, description="Those of deploys to this environment.")
    kind: AuditKind | None = strawberry.field(default=None, description="Those of this kind.")
    source: EntrySource | None = strawberry.field(default=None, description="Those that this source says.")
    actor: str | None = strawberry.field(default=None, description="What this actor did.")
    to_status: str | None = strawberry.field(
        default=None,
        description="Those that led, or were to lead, to this status, or were recorded at it and moved nothing.",
    )
    recorded_after: datetime | None = strawberry.field(default=None, description="Those recorded after this time.")
    recorded_before: datetime | None = strawberry.field(default=None, description="Those recorded before this time.")
