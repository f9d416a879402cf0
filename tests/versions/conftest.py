"""The versions before and after this one."""

from pathlib import Path

import pytest

from tests.versions import newer, older

# For what does not hang on where the log is kept: the store has tests of its own.
on_postgresql = pytest.mark.parametrize("log", ["postgresql"], indirect=True)


@pytest.fixture(scope="session")
def older_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the older version's code."""
    return older.make(tmp_path_factory.mktemp("versions") / "older")


@pytest.fixture(scope="session")
def newer_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a newer version's code, which older servers can live with."""
    return newer.make(tmp_path_factory.mktemp("versions") / "newer", oldest="0001")


@pytest.fixture(scope="session")
def demanding_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, but no older server may work on what it has migrated."""
    return newer.make(tmp_path_factory.mktemp("versions") / "demanding", oldest="0003")
