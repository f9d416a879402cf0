"""An issuer of ID tokens in GitHub's place: a real HTTP server, which publishes keys and gives jobs their tokens."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

REPOSITORY, REPOSITORY_ID, OWNER_ID = "octo-org/console", 100_200_300, 4_050_607
WORKFLOW = ".github/workflows/deploy-console.yml"
REF = "refs/heads/main"
RUN_ID = "9988"

# Where it publishes its keys.
KEYS = "/.well-known/jwks"


class Issuer:
    """`audience`: whom tokens are made for, unless somebody is asked for. `claims`: what each token says in any case.

    `away`: it answers nothing but 503. `published`: its keys, and `keys_answer` what it says in their place. `pages`:
    what it publishes besides, by path. `asked_for`: the paths that somebody asked for. `given`: the tokens that jobs
    asked for, each after `on_request`.
    """

    def __init__(self, audience: str = "https://phaseline.example") -> None:
        self.audience = audience
        self.claims: dict[str, Any] = {}
        self.away = False
        self.pages: dict[str, object] = {}
        self.asked_for: list[str] = []
        self.given: list[str] = []
        self.request_token = f"what-a-job-asks-with-{uuid.uuid4()}"
        self.on_request: Callable[[], object] = lambda: None
        self.key_id, self.key = "", _first_key()
        self.published: list[dict[str, Any]] = []
        self.keys_answer: tuple[int, object] | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.rotate(self.key)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def asked(self) -> int:
        """How often its keys were asked for."""
        return self.asked_for.count(KEYS)

    def rotate(self, key: RSAPrivateKey | None = None) -> None:
        """Sign with a new key from now on, and publish no other."""
        self.key, self.key_id = key or new_key(), uuid.uuid4().hex
        self.published = [published(self.key, self.key_id)]

    def saying(self, **other: Any) -> dict[str, Any]:
        """The claims of a run as it should be, but for `other`; None leaves one out."""
        now = int(time.time())
        claims = {
            **_claims(str(other.get("repository", REPOSITORY))),
            "iss": self.url,
            "aud": self.audience,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "nbf": now - 600,
            "exp": now + 300,
            **other,
            **self.claims,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, **other: Any) -> str:
        """An ID token, signed as the issuer signs."""
        return self.signed(self.saying(**other))

    def signed(self, claims: Mapping[str, Any], **header: Any) -> str:
        """The same with these claims, and these header fields besides."""
        return jwt.encode(dict(claims), self.key, "RS256", {"kid": self.key_id, **header})

    def variables(self) -> dict[str, str]:
        """What a job with `id-token: write` finds in its environment."""
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.request_token,
        }

    def _give(self, query: Mapping[str, list[str]], authorization: str | None) -> tuple[int, object]:
        """A token of the audience that is asked for, where the job may have one."""
        self.on_request()
        if authorization != f"Bearer {self.request_token}" or query.get("api-version") != ["2.0"]:
            return 401, {"message": "not a job of this issuer's"}
        token = self.token(aud=query.get("audience", ["https://github.com/octo-org"])[0])
        self.given.append(token)
        return 200, {"count": len(token), "value": token}

    def _answer(self, path: str, authorization: str | None) -> tuple[int, object]:
        url = urlsplit(path)
        self.asked_for.append(url.path)
        if self.away:
            return 503, {}
        if url.path == KEYS:
            return self.keys_answer or (200, {"keys": self.published})
        if url.path == "/token":
            return self._give(parse_qs(url.query), authorization)
        return (200, self.pages[url.path]) if url.path in self.pages else (404, {})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, content = answer(self.path, self.headers.get("Authorization"))
                sent = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                if status in (301, 302, 307):
                    self.send_header("Location", sent.decode())
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *arguments: object) -> None:
                """The tests look at what was asked, not at a log."""

        return Handler


@cache
def _first_key() -> RSAPrivateKey:
    """One for all issuers of a test run: making keys is slow."""
    return new_key()


def new_key() -> RSAPrivateKey:
    """A key pair of GitHub's size."""
    return generate_private_key(65537, 2048)


def published(key: RSAPrivateKey, key_id: str) -> dict[str, Any]:
    """The public half as issuers publish it."""
    return {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": key_id, "alg": "RS256", "use": "sig"}


def trust_file(issuer: Issuer, *repositories: Mapping[str, Any], **more: Any) -> str:
    """A trust file, as TOML, that trusts the issuer's runs for these environments: all else as `saying` has it.

    `more` is of its section [github]; None leaves a key out.
    """
    section = {"issuer": issuer.url, "audience": issuer.audience, **more}
    lines = ["[github]", *(f"{key} = {json.dumps(value)}" for key, value in section.items() if value is not None)]
    usual = {
        "repository": REPOSITORY,
        "repository_id": REPOSITORY_ID,
        "repository_owner_id": OWNER_ID,
        "workflow": WORKFLOW,
        "refs": [REF],
        "several_deploys": True,  # for all that is not otherwise said is one run
    }
    for repository in repositories:
        lines.append("[[github.repositories]]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in {**usual, **repository}.items()]
    return "\n".join(lines) + "\n"


def _claims(repository: str) -> dict[str, Any]:
    """All that GitHub says of a run, beside what makes a token one."""
    owner, _ = repository.split("/") if repository.count("/") == 1 else (repository, "")
    commit = "0f1e2d3c4b5a69788796a5b4c3d2e1f001122334"
    return {
        "sub": f"repo:{repository}:ref:{REF}",
        "repository": repository,
        "repository_id": str(REPOSITORY_ID),
        "repository_owner": owner,
        "repository_owner_id": str(OWNER_ID),
        "repository_visibility": "private",
        "event_name": "workflow_dispatch",
        "ref": REF,
        "ref_type": "branch",
        "ref_protected": "true",
        "workflow": "Deploy console",
        "workflow_ref": f"{repository}/{WORKFLOW}@{REF}",
        "workflow_sha": commit,
        "job_workflow_ref": f"{repository}/{WORKFLOW}@{REF}",
        "job_workflow_sha": commit,
        "sha": commit,
        "run_id": RUN_ID,
        "run_number": "17",
        "run_attempt": "1",
        "runner_environment": "github-hosted",
        "actor": "mona",
        "actor_id": "583231",
        "base_ref": "",
        "head_ref": "",
        "check_run_id": "55555",
    }
