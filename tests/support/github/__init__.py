"""A GitHub of our own, held to what GitHub publishes of itself: `async with FakeGitHub() as github`."""

from tests.support.github.fake import FakeGitHub

__all__ = ["FakeGitHub"]
