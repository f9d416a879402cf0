"""A GitHub for each test, and phaseline's client of it."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from phaseline.github.client import GitHub
from phaseline.github.credentials import App, Token
from tests.support.github import FakeGitHub
from tests.support.github.access import APP_ID, INSTALLATION_ID, TOKEN, private_key_pem


@pytest.fixture
async def github() -> AsyncIterator[FakeGitHub]:
    """As github.com is. The test fails where anything that was asked or answered is not as GitHub describes it."""
    async with FakeGitHub() as running:
        yield running


@pytest.fixture
async def enterprise() -> AsyncIterator[FakeGitHub]:
    """A GitHub Enterprise Server that knows less."""
    async with FakeGitHub(enterprise=True) as running:
        yield running


@pytest.fixture
async def client(github: FakeGitHub) -> AsyncIterator[GitHub]:
    """With a token."""
    async with _plain() as http:
        yield GitHub(github.api_url, Token(TOKEN), http)


@pytest.fixture
async def app(github: FakeGitHub) -> AsyncIterator[GitHub]:
    """As a GitHub App."""
    async with _plain() as http:
        yield GitHub(github.api_url, App(APP_ID, INSTALLATION_ID, private_key_pem()), http)


def _plain() -> httpx2.AsyncClient:
    """Without the certificates that it takes a while to read, and that nobody here has."""
    return httpx2.AsyncClient(verify=False)
