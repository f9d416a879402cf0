"""The environments file: what it says, and every mistake in it, told at once, each by its line and key."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from phaseline import files
from phaseline.environments.file import Claims, Environment
from phaseline.environments.github import App, GitHub, Token
from phaseline.files import Files
from phaseline.settings import Settings
from phaseline.toml.reading import FileError
from tests.support.command import phaseline
from tests.support.issuer import new_key

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "environments.md"
URL = "https://phaseline.example"

STAGING = """\
[environments.staging]
repository = "octo-org/console"
workflow = ".github/workflows/deploy-console.yml"
refs = ["refs/heads/*", "refs/tags/v*"]
"""
CLAIMS = """\
[environments.staging.claims]
repository_id = 1
repository_owner_id = 2
"""


def written(folder: Path, content: str | bytes) -> Path:
    file = folder / "environments.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def read(folder: Path, content: str | bytes, **settings: Any) -> Files:
    return files.read(Settings(environments_file=written(folder, content), **settings))


def problems(folder: Path, content: str | bytes, **settings: Any) -> list[str]:
    """What is wrong with it, without the folder's name."""
    with pytest.raises(FileError) as told:
        read(folder, content, **settings)
    lines = str(told.value).splitlines()
    assert lines == list(told.value.problems)
    return [line.replace(f"{folder}{os.sep}", "") for line in lines]


def key_file(folder: Path, key: Any = None) -> Path:
    file = folder / "app.pem"
    made = key or new_key()
    file.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return file


def test_without_a_file_nothing_is_said_of_environments() -> None:
    assert files.read(Settings()).environments is None


def test_what_is_not_said_is_as_it_usually_is(tmp_path: Path) -> None:
    found = read(tmp_path, STAGING)
    assert found.environments is not None
    assert found.environments.github == GitHub()
    assert found.github is None
    staging = found.environments.named("staging")
    assert (staging.protected, staging.commits) == (False, False)
    assert (staging.when_busy, staging.pipeline) == ("refuse", "console")
    assert (staging.url, staging.claims, found.trust.github) == (None, None, None)


def test_environments_keep_the_order_of_the_file(tmp_path: Path) -> None:
    content = "".join(STAGING.replace("staging", name) for name in ("zulu", "alpha", "mike"))
    found = read(tmp_path, content).environments
    assert found is not None
    assert list(found.environments) == ["zulu", "alpha", "mike"]


NEEDED = ("repository", "workflow", "refs")
MISTAKES: dict[str, tuple[str | bytes, list[str]]] = {
    "nothing": ("", ["environments.toml:1: environments: is missing"]),
    "only remarks": ("# soon\n", ["environments.toml:1: environments: is missing"]),
    "no environments": ("\n[environments]\n", ["environments.toml:2: environments: must not be empty"]),
    "not UTF-8": (b"[environments]\n\xff = 1", ["environments.toml:2: is not in UTF-8"]),
    "not TOML": (f"{STAGING}protected = yes\n", ["environments.toml:5: is not TOML: Invalid value"]),
    "broken off": ("[environments]\nstaging =", ["environments.toml:2: is not TOML: Invalid value"]),
    "a key twice": (
        f'{STAGING}refs = ["refs/heads/main"]\n',
        ["environments.toml:5: a key, or a table, stands here for the second time"],
    ),
    "an environment twice": (
        STAGING + STAGING,
        ["environments.toml:5: a key, or a table, stands here for the second time"],
    ),
    "a key in braces twice": (
        "[environments]\nstaging = {refs = [], refs = []}",
        ["environments.toml:2: a key, or a table, stands here for the second time"],
    ),
    "unknown keys": (
        f"ref = 1\n{STAGING}branch = 'main'\n[github]\nurl = 'x'",
        [
            "environments.toml:1: ref: there is no such key",
            "environments.toml:6: environments.staging.branch: there is no such key",
            "environments.toml:8: github.url: there is no such key",
        ],
    ),
    "values of other kinds": (
        "[environments.staging]\nrepository = 1\nworkflow = ['x']\nrefs = 'refs/heads/main'\nprotected = 'yes'\n"
        "commits = 1\nwhen_busy = 'queue'\npipeline = 'canary'\nurl = 'ftp://x'\nclaims = 1",
        [
            "environments.toml:2: environments.staging.repository: must be text, in quotes",
            "environments.toml:3: environments.staging.workflow: must be text, in quotes",
            "environments.toml:4: environments.staging.refs: must be a list, in brackets",
            "environments.toml:5: environments.staging.protected: must be true or false",
            "environments.toml:6: environments.staging.commits: must be true or false",
            'environments.toml:7: environments.staging.when_busy: must be "refuse" or "wait"',
            "environments.toml:8: environments.staging.pipeline: there is no such pipeline; there are: console",
            "environments.toml:9: environments.staging.url: must be an http or https address",
            "environments.toml:10: environments.staging.claims: must be a table",
        ],
    ),
    "what is needed": (
        "[environments.staging]\n[environments.staging.claims]\n",
        [
            *(f"environments.toml:1: environments.staging.{key}: is missing" for key in NEEDED),
            *(
                f"environments.toml:2: environments.staging.claims.{key}: is missing"
                for key in ("repository_id", "repository_owner_id")
            ),
        ],
    ),
    "no table": ("[environments]\nstaging = 'main'", ["environments.toml:2: environments.staging: must be a table"]),
    "refs": (
        STAGING.replace('["refs/heads/*", "refs/tags/v*"]', '[\n  "refs/heads/main",\n  "main",\n  "refs/*/x",\n]'),
        [
            f"environments.toml:{line}: environments.staging.refs[{place}]: "
            "must be like refs/heads/main or refs/tags/v*; a * may stand only at the end of a ref"
            for line, place in ((6, 2), (7, 3))
        ],
    ),
    "no refs": (
        STAGING.replace('["refs/heads/*", "refs/tags/v*"]', "[]"),
        ["environments.toml:4: environments.staging.refs: must not be empty"],
    ),
    "a workflow of many refs": (
        f"{STAGING}workflow_ref = 'refs/heads/*'\n",
        ["environments.toml:5: environments.staging.workflow_ref: must be one whole ref, without a *"],
    ),
    "runs that are not believed": (
        f"{STAGING}workflow_ref = 'refs/heads/main'\n{CLAIMS}workflow_refs = ['refs/tags/*', 'refs/heads/other']",
        [
            "environments.toml:6: environments.staging.claims: workflow_refs must hold refs/heads/main, "
            "the environment's workflow_ref, which its runs are of"
        ],
    ),
    "no refs of the workflow": (
        f"{STAGING}{CLAIMS}workflow_refs = []",
        ["environments.toml:8: environments.staging.claims.workflow_refs: must not be empty"],
    ),
    "names": (
        '[environments]\n" x" = {}\n[environments."a.b"]\nrefs = 1\n',
        [
            'environments.toml:2: environments." x": an environment must not begin or end with a space',
            *(f'environments.toml:2: environments." x".{key}: is missing' for key in NEEDED),
            'environments.toml:3: environments."a.b".repository: is missing',
            'environments.toml:3: environments."a.b".workflow: is missing',
            'environments.toml:4: environments."a.b".refs: must be a list, in brackets',
        ],
    ),
    "claims": (
        f"{STAGING}{CLAIMS}events = ['*']\nrefs = []\nseveral_deploys = 1",
        [
            "environments.toml:8: environments.staging.claims.events[1]: "
            "must be like workflow_dispatch; a * may stand only at the end of a ref",
            "environments.toml:9: environments.staging.claims.refs: there is no such key",
            "environments.toml:10: environments.staging.claims.several_deploys: must be true or false",
        ],
    ),
    "addresses": (
        f"{STAGING}[github]\napi_url = 'http://ghe.example/api/v3'\nweb_url = 'ghe.example'\napp_id = '1'",
        [
            "environments.toml:6: github.api_url: must begin with https://; http:// is only for this machine itself",
            "environments.toml:7: github.web_url: must be an address like https://example.org",
            "environments.toml:8: github.app_id: must be a whole number",
        ],
    ),
    "one address of two": (
        f"{STAGING}[github]\napi_url = 'https://ghe.example/api/v3'",
        ["environments.toml:5: github: api_url and web_url are of one GitHub, so either both are given or neither is"],
    ),
    "half of an App": (
        f"{STAGING}[github]\napp_id = 1",
        [
            "environments.toml:5: github: "
            "app_id and installation_id are of one App, so either both are given or neither is"
        ],
    ),
    "an App without its key": (
        f"{STAGING}[github]\napp_id = 1\ninstallation_id = 2",
        ["environments.toml:5: github: app_id needs PHASELINE_GITHUB_KEY_FILE, the App's private key"],
    ),
}


@pytest.mark.parametrize(("content", "told"), MISTAKES.values(), ids=MISTAKES)
def test_every_mistake_is_told_by_its_line_and_key(tmp_path: Path, content: str | bytes, told: list[str]) -> None:
    assert problems(tmp_path, content, public_url=URL) == told


def test_what_is_nested_too_deeply_is_told_as_any_other_mistake(tmp_path: Path) -> None:
    [told] = problems(tmp_path, b"a = " + b"[" * 20_000 + b"]" * 20_000)
    assert told.startswith("environments.toml:")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for file, why in ((tmp_path / "none.toml", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(FileError, match=f"^{re.escape(str(file))}: {why}"):
            files.read(Settings(environments_file=file))


def test_mistakes_in_both_files_are_told_together(tmp_path: Path) -> None:
    trusting = tmp_path / "trust.toml"
    trusting.write_text("[gihtub]\n[provider]\n")
    told = problems(tmp_path, "[environments]", trust_file=trusting)
    assert told[0] == "environments.toml:1: environments: must not be empty"
    assert "trust.toml:1: gihtub: there is no such key" in told
    assert "trust.toml:2: provider.issuer: is missing" in told


class TestCallingGitHub:
    """As whom GitHub is called."""

    APP = f"{STAGING}[github]\napp_id = 12\ninstallation_id = 34\n"

    def test_as_an_app_by_its_private_key(self, tmp_path: Path) -> None:
        file = key_file(tmp_path)
        found = read(tmp_path, self.APP, github_key_file=file).github
        assert isinstance(found, App)
        assert (found.app_id, found.installation_id) == (12, 34)
        assert found.key.get_secret_value() == file.read_text()
        assert "PRIVATE" not in repr(found)

    def test_with_a_token(self, tmp_path: Path) -> None:
        found = read(tmp_path, STAGING, github_token="github_pat_secret").github
        assert isinstance(found, Token)
        assert found.token.get_secret_value() == "github_pat_secret"
        assert "pat" not in repr(found)

    def test_not_where_a_commit_may_be_deployed_and_nobody_says_from_where_the_workflow_is_taken(
        self, tmp_path: Path
    ) -> None:
        content = f"{STAGING}commits = true\n"
        assert read(tmp_path, content).github is None
        [told] = problems(tmp_path, content, github_token="x")
        assert told.startswith("environments.toml:5: environments.staging.commits: needs workflow_ref, because GitHub ")
        found = read(tmp_path, f"{content}workflow_ref = 'refs/heads/main'\n", github_token="x").environments
        assert found is not None
        assert found.named("staging").workflow_ref == "refs/heads/main"

    def test_as_one_of_them_and_not_as_both(self, tmp_path: Path) -> None:
        [told] = problems(tmp_path, self.APP, github_key_file=key_file(tmp_path), github_token="x")
        assert "are both set" in told

    def test_not_with_a_key_of_which_nobody_says_whose_it_is(self, tmp_path: Path) -> None:
        [told] = problems(tmp_path, STAGING, github_key_file=key_file(tmp_path))
        assert told.startswith("environments.toml:1: github: PHASELINE_GITHUB_KEY_FILE is set, so app_id")

    @pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xfe", "an elliptic one"], ids=str)
    def test_not_with_a_file_that_holds_no_such_key(self, tmp_path: Path, content: bytes | str) -> None:
        file = key_file(tmp_path, generate_private_key(SECP256R1()))
        if isinstance(content, bytes):
            file.write_bytes(content)
        [told] = problems(tmp_path, self.APP, github_key_file=file)
        assert told.startswith("PHASELINE_GITHUB_KEY_FILE: app.pem: holds no RSA private key in PEM")

    def test_not_with_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        [told] = problems(tmp_path, self.APP, github_key_file=tmp_path / "none.pem")
        assert told == "PHASELINE_GITHUB_KEY_FILE: none.pem: No such file or directory"


class TestClaims:
    """What the ID tokens of an environment's runs have to say."""

    GHE = "[github]\napi_url = 'https://ghe.example/api/v3/'\nweb_url = 'https://ghe.example'\n"

    def test_are_trusted_as_an_entry_of_the_trust_file_would_be(self, tmp_path: Path) -> None:
        trusting = tmp_path / "trust.toml"
        trusting.write_text(f"""
            [github]
            [[github.repositories]]
            environments = ["staging"]
            repository = "octo-org/console"
            workflow = ".github/workflows/deploy-console.yml"
            refs = ["refs/heads/*", "refs/tags/v*"]
            {CLAIMS.partition("]")[2]}
        """)
        here = read(tmp_path, STAGING + CLAIMS, public_url=URL).trust
        assert here == files.read(Settings(trust_file=trusting, public_url=URL)).trust

    def test_may_be_of_other_refs_than_those_that_are_deployed(self, tmp_path: Path) -> None:
        found = read(tmp_path, f"{STAGING}{CLAIMS}workflow_refs = ['refs/heads/main']", public_url=URL).trust.github
        assert found is not None
        assert found.repositories[0].refs == {"refs/heads/main"}

    def test_are_of_the_ref_that_the_workflow_is_taken_from(self, tmp_path: Path) -> None:
        content = f"{STAGING}workflow_ref = 'refs/heads/main'\n{CLAIMS}"
        found = read(tmp_path, content, public_url=URL).trust.github
        assert found is not None
        assert found.repositories[0].refs == {"refs/heads/main"}

    def test_are_trusted_beside_those_of_the_trust_file_and_by_its_issuer(self, tmp_path: Path) -> None:
        trusting = tmp_path / "trust.toml"
        trusting.write_text(f"""
            [github]
            issuer = "https://ghe.example/_services/token"
            audience = "ours"
            [[github.repositories]]
            environments = ["production"]
            repository = "octo-org/other"
            workflow = ".github/workflows/deploy.yml"
            refs = ["refs/heads/main"]
            {CLAIMS.partition("]")[2]}
        """)
        found = read(tmp_path, self.GHE + STAGING + CLAIMS, trust_file=trusting).trust.github
        assert found is not None
        assert (found.issuer, found.audience) == ("https://ghe.example/_services/token", "ours")
        assert [sorted(one.environments) for one in found.repositories] == [["production"], ["staging"]]

    def test_need_no_repositories_in_the_trust_file(self, tmp_path: Path) -> None:
        trusting = tmp_path / "trust.toml"
        trusting.write_text("[github]\naudience = 'ours'\n")
        assert read(tmp_path, STAGING + CLAIMS, trust_file=trusting).trust.github
        assert problems(tmp_path, STAGING, trust_file=trusting) == ["trust.toml:1: github.repositories: is missing"]

    def test_need_somebody_whom_tokens_are_made_for(self, tmp_path: Path) -> None:
        [told] = problems(tmp_path, STAGING + CLAIMS)
        assert told.startswith("environments.toml:5: environments.staging.claims: needs PHASELINE_PUBLIC_URL, or ")

    def test_need_an_issuer_where_github_is_not_github_com(self, tmp_path: Path) -> None:
        [told] = problems(tmp_path, self.GHE + STAGING + CLAIMS, public_url=URL)
        assert told.startswith("environments.toml:8: environments.staging.claims: needs the section [github] of ")


class TestCommand:
    """`phaseline environments`."""

    def test_shows_what_was_understood(self, tmp_path: Path, database: Path) -> None:
        more = "when_busy = 'wait'\nprotected = true\ncommits = true\nworkflow_ref = 'refs/heads/v1'\n"
        file = written(tmp_path, f"{STAGING}{more}{CLAIMS}")
        given = {"ENVIRONMENTS_FILE": str(file), "PUBLIC_URL": URL, "GITHUB_TOKEN": "github_pat_secret"}
        shown = phaseline(database, "environments", **given)
        assert (shown.returncode, database.exists()) == (0, False)
        for word in ("staging", "octo-org/console", "v*, commits", "wait", "yes", "are trusted"):
            assert word in shown.stdout
        assert shown.stderr == "GitHub is https://api.github.com, called with PHASELINE_GITHUB_TOKEN\n"
        told = json.loads(phaseline(database, "environments", "--json", **given).stdout)
        assert told["github"] == {
            "apiUrl": "https://api.github.com",
            "webUrl": "https://github.com",
            "calledAs": "token",
        }
        [staging] = told["environments"]
        assert (staging["name"], staging["whenBusy"], staging["protected"]) == ("staging", "wait", True)
        assert staging["refs"] == ["refs/heads/*", "refs/tags/v*"]
        assert staging["claims"]["workflowRefs"] == [staging["workflowRef"]] == ["refs/heads/v1"]
        assert "secret" not in f"{shown}{told}"

    def test_shows_every_mistake_and_ends_with_code_1(self, tmp_path: Path, database: Path) -> None:
        file = written(tmp_path, STAGING.replace("refs/heads/*", "main") + "x = 1\n")
        ended = phaseline(database, "environments", "--json", ENVIRONMENTS_FILE=str(file))
        assert (ended.returncode, ended.stdout) == (1, "")
        assert [line.split(": ")[:2] for line in ended.stderr.splitlines()] == [
            [f"{file}:4", "environments.staging.refs[1]"],
            [f"{file}:5", "environments.staging.x"],
        ]

    def test_says_that_there_is_no_file(self, database: Path) -> None:
        ended = phaseline(database, "environments")
        assert (ended.returncode, ended.stdout) == (0, "")
        assert "PHASELINE_ENVIRONMENTS_FILE is not set" in ended.stderr
        assert json.loads(phaseline(database, "environments", "--json").stdout)["environments"] == []


def test_a_server_with_mistakes_in_the_file_does_not_start_and_tells_all_of_them(
    tmp_path: Path, database: Path
) -> None:
    file = written(tmp_path, STAGING.replace("refs/heads/*", "main") + "x = 1\n")
    ended = phaseline(database, "serve", ENVIRONMENTS_FILE=os.fspath(file))
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"phaseline: {file}:4: environments.staging.refs[1]: must be like refs/heads/main")
    assert ended.stderr.splitlines()[1:] == [f"{file}:5: environments.staging.x: there is no such key"]
    assert not database.exists()


def test_the_page_on_environments_has_a_file_that_can_be_used_and_names_every_key(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    example, *_ = re.findall(r"(?s)```toml\n(.*?)```", page)
    found = read(tmp_path, example, public_url=URL, github_key_file=key_file(tmp_path))
    assert found.environments is not None
    assert any(one.claims for one in found.environments.environments.values())
    fields = GitHub.model_fields | Environment.model_fields | Claims.model_fields
    assert not [key for key in fields if f"`{key}`" not in page.replace("`github.", "`").replace("`claims.", "`")]


def test_the_file_that_comes_with_the_deployment_can_be_used() -> None:
    assert files.read(Settings(environments_file=ROOT / "deploy" / "environments.toml")).environments
