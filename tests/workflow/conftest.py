import socket
from collections.abc import Iterator

import pytest

from tests.support.issuer import Issuer

from .recorder import Recorder


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "takes_seconds: takes more than two seconds")


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.close()


@pytest.fixture
def github() -> Iterator[Recorder]:
    """What jobs ask for their ID tokens, where it is to answer as no issuer should."""
    github = Recorder()
    yield github
    github.close()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """Who gives jobs their ID tokens."""
    with Issuer() as issuer:
        yield issuer


@pytest.fixture
def nobody() -> Iterator[str]:
    """The address of a port that is taken and refuses every connection, because nothing listens on it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
