"""An organisation's OpenID Connect provider: a real HTTP server, at which everybody is signed in already."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt

from tests.support.issuer import new_key, published

CLIENT_ID = "phaseline-at-example"
CLIENT_SECRET = "the-client-secret-of-phaseline"


class Provider:
    """`claims` are in each ID token besides the usual ones; None leaves one out. `metadata`: the same of what it says
    of itself. `refuses`: people do not get past its page. `away`: it answers nothing but 503.

    `asked`: the parameters of each request for a code, and of each for a token. `given`: the ID tokens.
    """

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.refuses = self.away = False
        self.asked: list[dict[str, str]] = []
        self.given: list[str] = []
        self.key, self.algorithm = new_key(), "RS256"
        self.signing_key: Any = None  # another than it publishes
        self._codes: dict[str, dict[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def trust_file(self, *roles: Mapping[str, Any], **more: Any) -> str:
        """A trust file, as TOML, that lets members of these groups in."""
        keys = {"name": "Example", "issuer": self.url, "client_id": CLIENT_ID, **more}
        lines = ["[provider]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
        for role in roles:
            lines += ["[[provider.roles]]", *(f"{key} = {json.dumps(value)}" for key, value in role.items())]
        return "\n".join(lines) + "\n"

    def _id_token(self, asked: Mapping[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": "248289761001",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "email": "ann@example.com",
            "email_verified": True,
            "groups": ["deployers"],
            **self.claims,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        key = self.key if self.signing_key is None else self.signing_key
        return jwt.encode(kept, key, self.algorithm, {"kid": "provider-key"})

    def _authorize(self, asked: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        self.asked.append(asked)
        back = {"error": "access_denied", "error_description": "<script>alert(1)</script>"}
        if not self.refuses:
            code = secrets.token_urlsafe(16)
            self._codes[code] = asked
            back = {"code": code}
        return f"{asked['redirect_uri']}?{urlencode(back | {'state': asked['state']})}"

    def _token(self, authorization: str | None, asked: dict[str, str]) -> tuple[int, object]:
        """A token for a code, once, for the client that asked for it."""
        self.asked.append(asked)
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        before = self._codes.pop(asked.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(asked.get("code_verifier", "").encode()).digest())
        if (
            before is None
            or authorization != f"Basic {basic}"
            or before["code_challenge"] != challenge.rstrip(b"=").decode()
            or before["redirect_uri"] != asked.get("redirect_uri")
        ):
            return 400, {"error": "invalid_grant"}
        self.given.append(self._id_token(before))
        return 200, {"access_token": "unused", "token_type": "Bearer", "id_token": self.given[-1]}

    def _answer(self, path: str) -> tuple[int, object]:
        if self.away:
            return 503, {}
        if path == "/keys":
            return 200, {"keys": [published(self.key, "provider-key")]}
        if path == "/.well-known/openid-configuration":
            ends = {f"{name}_endpoint": f"{self.url}/{name}" for name in ("authorization", "token")}
            return 200, {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **ends, **self.metadata}
        return 404, {}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                if url.path == "/authorization" and not provider.away:
                    self.send_response(302)
                    self.send_header("Location", provider._authorize(dict(parse_qsl(url.query))))
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                else:
                    self._say(*provider._answer(url.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                away = (503, {"error": "temporarily_unavailable"})
                self._say(
                    *away
                    if provider.away
                    else provider._token(self.headers.get("Authorization"), dict(parse_qsl(body)))
                )

            def _say(self, status: int, content: object) -> None:
                sent = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, *arguments: object) -> None:
                """The tests look at what was asked, not at a log."""

        return Handler
