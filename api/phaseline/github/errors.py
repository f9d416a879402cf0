"""How a request to GitHub may end other than well. Nothing else is raised by anything that asks."""

from datetime import datetime

from phaseline_schema.times import rfc3339

# The longest text that is taken over from an answer, in characters: it is shown to people, on one line.
LONGEST = 400


class GitHubError(Exception):
    """What was asked for has not been had."""


class Refused(GitHubError):
    """GitHub has said no, and why: nothing was done. `status`: of the answer."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message, self.status = message, status


class NotAllowed(GitHubError):
    """The credential is not accepted, or may not do this: nothing was done. The message says what is likely missing.

    `status`: of the answer; 401 is for a credential that GitHub does not know, or no longer.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message, self.status = message, status


class Limited(GitHubError):
    """Too much was asked for: nothing was done, and nothing will be before `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"GitHub takes no more requests until {rfc3339(until)}")
        self.until = until


class NotSent(GitHubError):
    """GitHub was not reached, so nothing was done."""

    def __init__(self, why: str) -> None:
        super().__init__(f"GitHub was not reached: {why}")
        self.why = why


class Unclear(GitHubError):
    """The request went out, and what has become of it is not known: it may have been done."""

    def __init__(self, why: str) -> None:
        super().__init__(f"it is not known what GitHub has made of it: {why}")
        self.why = why
