"""The trust file: every mistake in it ends the start, in one line that names the key."""

import os
import re
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest

from phaseline.callers.claims import PERMITTING, PROVING
from phaseline.callers.repositories import GitHub, Repository
from phaseline.callers.trust import Trust, read
from phaseline.toml.reading import FileError
from tests.support.command import phaseline

PAGE = Path(__file__).parents[2] / "docs" / "callers.md"

REPOSITORY = """
    environments = ["production"]
    repository = "octo-org/console"
    repository_id = 1
    repository_owner_id = 2
    workflow = ".github/workflows/deploy-console.yml"
    refs = ["refs/heads/main"]
"""
WHOLE = f"[github]\n[[github.repositories]]{REPOSITORY}"


def written(folder: Path, content: str | bytes) -> Path:
    file = folder / "trust.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def instead(key: str, value: str) -> str:
    """The whole file with another value for a key of its repository."""
    lines = [line for line in WHOLE.splitlines() if not line.strip().startswith(f"{key} =")]
    return "\n".join([*lines, f"{key} = {value}"])


def github(**keys: str) -> str:
    """The whole file with these keys in its section [github]."""
    return WHOLE.replace("[github]", "\n".join(["[github]", *(f"{key} = {value}" for key, value in keys.items())]), 1)


def test_what_is_not_said_is_as_github_has_it_and_the_audience_is_this_server(tmp_path: Path) -> None:
    found = read(written(tmp_path, WHOLE), "https://phaseline.example").github
    assert found is not None
    assert found.issuer == "https://token.actions.githubusercontent.com"
    assert found.keys_url == "https://token.actions.githubusercontent.com/.well-known/jwks"
    assert found.audience == "https://phaseline.example"
    [repository] = found.repositories
    assert repository.events == {"workflow_dispatch"}
    assert repository.environment_claim is False


def test_without_a_file_nobody_else_is_trusted() -> None:
    assert read(None, None).github is None


@pytest.mark.parametrize(
    ("keys", "attribute", "value"),
    [
        ({"audience": '"ours"'}, "audience", "ours"),
        (
            {"issuer": '"https://ghe.example/_services/token"'},
            "keys_url",
            "https://ghe.example/_services/token/.well-known/jwks",
        ),
        ({"jwks_url": '"https://keys.example/"'}, "keys_url", "https://keys.example/"),
        ({}, "pages_url", "https://github.com"),
        ({"issuer": '"https://token.actions.githubusercontent.com/octo-org"'}, "pages_url", "https://github.com"),
        ({"issuer": '"https://ghe.example/_services/token"'}, "pages_url", "https://ghe.example"),
        ({"server_url": '"https://octo.ghe.com/"'}, "pages_url", "https://octo.ghe.com"),
        ({"issuer": '"http://127.0.0.1:8080"'}, "issuer", "http://127.0.0.1:8080"),
    ],
    ids=str,
)
def test_what_is_said_holds(tmp_path: Path, keys: dict[str, str], attribute: str, value: Any) -> None:
    found = read(written(tmp_path, github(**keys)), "https://phaseline.example").github
    assert getattr(found, attribute) == value


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("[github]\nissuer = x", "trust.toml:2: "),
        (b"\xff\xfe", "UTF-8"),
        ("[gihtub]", "gihtub: there is no such key"),
        ("[github]", "github.repositories: is missing"),
        ("[github]\nrepositories = []", "github.repositories: must not be empty"),
        (github(audiense='"x"'), "github.audiense: there is no such key"),
        (github(audience="7"), "github.audience: "),
        (github(issuer='"http://token.example"'), "github.issuer: must begin with https://"),
        (github(issuer='"token.example"'), "github.issuer: must be an address"),
        (github(issuer='"file:///etc/passwd"'), "github.issuer: must be an address"),
        (github(issuer='"https://somebody@token.example"'), "github.issuer: must be an address"),
        (github(jwks_url='"http://127.0.0.1.example/keys"'), "github.jwks_url: must begin with https://"),
        (instead("environments", "[]"), "github.repositories[1].environments: must not be empty"),
        (instead("environments", '"production"'), "github.repositories[1].environments: "),
        (instead("environments", '["production", " x"]'), "github.repositories[1].environments[2]: "),
        (instead("repository", '"console"'), "github.repositories[1].repository: must be like"),
        (instead("repository_id", '"1"'), "github.repositories[1].repository_id: "),
        (instead("repository_id", "0"), "github.repositories[1].repository_id: "),
        (instead("repository_owner_id", "true"), "github.repositories[1].repository_owner_id: "),
        (instead("workflow", '"deploy-console.yml"'), "github.repositories[1].workflow: must be like"),
        (instead("workflow", '".github/workflows/*.yml"'), "github.repositories[1].workflow: must be like"),
        (instead("called_workflow", '"deploy.yml"'), "github.repositories[1].called_workflow: must be like"),
        (instead("refs", "[]"), "github.repositories[1].refs: must not be empty"),
        (instead("refs", '["main"]'), "github.repositories[1].refs[1]: must be like"),
        (instead("refs", '["*"]'), "github.repositories[1].refs[1]: must be like"),
        (instead("refs", '["refs/heads/*/x"]'), "github.repositories[1].refs[1]: must be like"),
        (instead("refs", '["refs/pull/*"]'), "github.repositories[1].refs[1]: must be like"),
        (instead("events", "[]"), "github.repositories[1].events: must not be empty"),
        (instead("events", '["*"]'), "github.repositories[1].events[1]: must be like"),
        (instead("environment_claim", '"yes"'), "github.repositories[1].environment_claim: "),
        (f"{WHOLE}branches = ['main']", "github.repositories[1].branches: there is no such key"),
        (f"{WHOLE}[[github.repositories]]{REPOSITORY}refs2 = 1", "github.repositories[2].refs2: "),
    ],
)  # fmt: skip
def test_a_mistake_is_told_by_the_key_that_it_is_in(tmp_path: Path, content: str | bytes, named: str) -> None:
    with pytest.raises(FileError) as told:
        read(written(tmp_path, content), "https://phaseline.example")
    assert named in str(told.value)
    assert "trust.toml" in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "key", ["environments", "repository", "repository_id", "repository_owner_id", "workflow", "refs"]
)
def test_a_repository_is_trusted_only_where_all_that_is_checked_is_said(tmp_path: Path, key: str) -> None:
    without = "\n".join(line for line in WHOLE.splitlines() if not line.strip().startswith(f"{key} ="))
    with pytest.raises(FileError, match=rf"repositories\[1\]\.{key}: is missing"):
        read(written(tmp_path, without), "https://phaseline.example")


def test_an_audience_is_needed_where_the_servers_address_is_not_known(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"github\.audience: is needed where PHASELINE_PUBLIC_URL is not set"):
        read(written(tmp_path, WHOLE), None)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        read(tmp_path / "trust.toml", None)


def test_a_server_with_a_mistake_in_its_trust_file_does_not_start_and_says_why_in_one_line(
    tmp_path: Path, database: Path
) -> None:
    file = written(tmp_path, instead("refs", '["main"]'))
    ended = phaseline(database, "serve", TRUST_FILE=os.fspath(file), PUBLIC_URL="https://phaseline.example")
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"phaseline: {file}:8: github.repositories[1].refs[1]: must be like refs/heads/main")
    assert ended.stderr.count("\n") == 1
    assert not database.exists()


def test_the_page_on_callers_has_a_file_that_can_be_used_and_names_every_claim_that_is_checked() -> None:
    page = PAGE.read_text(encoding="utf-8")
    [example] = re.findall(r"(?s)```toml\n(   \[github\].*?)```", page)
    assert Trust.model_validate(tomllib.loads(textwrap.dedent(example))).github is not None
    _, checked = page.split("### What is checked")
    assert not [claim for claim in PROVING.keys() | PERMITTING.keys() if f"`{claim}`" not in checked]
    keys = [*GitHub.model_fields.keys() - {"repositories"}, *Repository.model_fields]
    assert not [key for key in keys if f"`{key}`" not in page.replace("`github.", "`")]
