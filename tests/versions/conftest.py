"""The versions before and after this one."""

from pathlib import Path

import pytest

from tests.versions import graphs, newer

# For what does not hang on where the log is kept: the store has tests of its own.
on_postgresql = pytest.mark.parametrize("log", ["postgresql"], indirect=True)


@pytest.fixture(scope="session")
def older_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the code of a version with the older graph."""
    return graphs.make_older(tmp_path_factory.mktemp("versions") / "older-graph")


@pytest.fixture(scope="session")
def newer_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the code of the version after that, with today's graph."""
    return graphs.make_newer(tmp_path_factory.mktemp("versions") / "newer-graph")


@pytest.fixture(scope="session")
def newer_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a newer version's code, which older servers can live with."""
    return newer.make(tmp_path_factory.mktemp("versions") / "newer", oldest="0006")


@pytest.fixture(scope="session")
def demanding_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, but no older server may work on what it has migrated."""
    return newer.make(tmp_path_factory.mktemp("versions") / "demanding", oldest="0007")
