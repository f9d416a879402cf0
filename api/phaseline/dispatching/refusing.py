"""What a caller is told where GitHub has not done what was asked of it."""

from datetime import UTC, datetime
from math import ceil

from phaseline.github.errors import GitHubError, Limited, NotAllowed, Refused, Unclear
from phaseline_schema.refusals import GitHubRefused, GitHubUnavailable, GitHubUnclear, Refusal


def of_doing(error: GitHubError) -> Refusal:
    """Of something that GitHub was to do."""
    return GitHubUnclear(str(error)) if isinstance(error, Unclear) else of_reading(error)


def of_reading(error: GitHubError) -> Refusal:
    """Of something that it was only asked: whatever has become of the question, nothing was done."""
    if isinstance(error, Refused | NotAllowed):
        return GitHubRefused(str(error))
    if isinstance(error, Limited):
        return GitHubUnavailable(str(error), max(1, ceil((error.until - datetime.now(UTC)).total_seconds())))
    if isinstance(error, Unclear):
        return GitHubUnavailable(f"GitHub does not say: {error.why}")
    return GitHubUnavailable(str(error))
