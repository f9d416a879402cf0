"""Who may send a callback for a deploy, and what a workflow run's ID token says of it in the caller's place."""

from dataclasses import replace

from phaseline.identity import Identity
from phaseline_schema.pipeline import Pipeline
from phaseline_schema.records import Callback, DeployRecord
from phaseline_schema.refusals import Forbidden, Refusal
from phaseline_schema.rights import Right


def refusal(identity: Identity, deploy: DeployRecord, callback: Callback) -> Refusal | None:
    """Why this caller may not send this callback, or None."""
    return (
        identity.refusal(Right.SEND_CALLBACKS)
        or identity.scope.refusal(deploy.environment)
        or _of_another_run(identity, callback)
    )


def of_its_run(identity: Identity, callback: Callback) -> Callback:
    """The callback with the run, its page and its attempt as they are proven, where they are."""
    run = identity.run
    if run is None:
        return callback
    return replace(callback, run_id=run.run_id, run_url=run.url, attempt=run.attempt)


def without_content(identity: Identity, pipeline: Pipeline, callback: Callback, why: Refusal) -> Callback:
    """What is recorded of a callback that its sender may not send: why, in the place of what it says.

    Raises `why` where nothing is: a status that there is not is text of its sender's, and anybody could be that.
    """
    if identity.role is None and callback.status not in pipeline.by_key:
        raise why
    return replace(callback, message=why.message, run_id=None, run_url=None)


def _of_another_run(identity: Identity, callback: Callback) -> Refusal | None:
    """A callback may leave out what its token says of the run, but not say something else."""
    run = identity.run
    if run is not None and callback.run_id not in (None, run.run_id):
        return Forbidden("the callback names another run than its token", claim="run_id")
    if run is not None and callback.attempt not in (1, run.attempt):  # 1 is also what it is where nothing is said
        return Forbidden("the callback names another attempt than its token", claim="run_attempt")
    return None
