"""GraphQL over HTTP: the specification's audits, and requests that are none."""

import json
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support import node
from tests.support.caller import Caller
from tests.support.logins import VIEWER
from tests.support.server import Server
from tests.support.witness import clear_codes, faultless

JSON = {"content-type": "application/json"}
RESPONSE_JSON = "application/graphql-response+json"
TYPENAME = "{ __typename }"
START = 'mutation { startDeploy(input: { environment: "staging", ref: "main" }) { id } }'
FIVE_MEGABYTES = json.dumps({"query": TYPENAME, "variables": {"x": "x" * 5_000_000}}).encode()


@pytest.fixture(scope="module", autouse=True)
async def _nothing_is_unexpected(server: Server) -> AsyncIterator[None]:
    """No test here may leave a trace in the server's log."""
    async with faultless(server):
        yield


async def _newest(caller: Caller) -> Any:
    """What another deploy would change."""
    return (await caller.send("{ deploys(first: 1) { edges { node { id } } } }")).data


async def test_all_61_audits_of_graphql_http_pass(server: Server) -> None:
    audits = json.loads(await node.run("audit.mjs", f"{server.url}/graphql", VIEWER))
    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert len({audit["id"] for audit in audits}) == 61


async def test_tools_can_ask_for_the_whole_schema(server: Server) -> None:
    counts = (await node.run("introspect.mjs", f"{server.url}/graphql", VIEWER)).split()
    assert len(counts) == 3
    assert len(set(counts)) == 1


def _request(**members: Any) -> bytes:
    return json.dumps({"query": TYPENAME, **members}).encode()


def _requests(member: str, *values: Any) -> list[bytes]:
    return [_request(**{member: value}) for value in values]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"5", b"null", b"true", b'"x"', b"[]", b"[{}]", b"{}", b"{", b"NaN", b'{"query":', b"\0", b"x" * 10_000),
        *(b"[" * 100_000, b'{"a":' * 50_000, b'{"query":"{__typename}","variables":{"a":' + b"[" * 30_000),
        *(b'{"query":"\xff"}', _request().decode().encode("utf-16"), _request().decode().encode("utf-32")),
        *(b'{"query":"{__typename}","variables":{"a":NaN}}', b'{"query":"{__typename}","variables":{"a":-Infinity}}'),
        b'{"query":"{__typename}","variables":{"a":%s}}' % (b"9" * 5000),
        *_requests("query", 5, 1.5, True, None, [], {}, ["{__typename}"], "", "\0"),
        *_requests("variables", 5, True, "x", "{}", [], [1]),
        *_requests("extensions", 5, True, "x", []),
        *_requests("operationName", 5, True, [], {}, "x", "", "\0", "half \ud800 a pair"),
    ],
    ids=lambda body: repr(body[:40]),
)
async def test_a_body_that_is_no_request_gets_400_and_a_code(caller: Caller, body: bytes) -> None:
    response = await caller.http.post("/graphql", content=body, headers={**JSON, "accept": RESPONSE_JSON})
    assert response.status_code == 400, response.text
    clear_codes(response.json()["errors"])


async def test_a_byte_order_mark_does_no_harm(caller: Caller) -> None:
    response = await caller.http.post("/graphql", content=b"\xef\xbb\xbf" + _request(), headers=JSON)
    assert response.json() == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "kind",
    [
        *(None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", '"', ";"),
        *("application/graphql", "application/jsonx", "xapplication/json", "text/plain; a=application/json"),
    ],
)
async def test_only_json_is_read_so_that_no_form_of_another_site_can_write(caller: Caller, kind: str | None) -> None:
    before = await _newest(caller)
    headers = {} if kind is None else {"content-type": kind}
    response = await caller.http.post("/graphql", content=_request(query=START), headers=headers)
    assert response.status_code == 400
    assert clear_codes(response.json()["errors"]) == ["BAD_REQUEST"]
    assert await _newest(caller) == before


@pytest.mark.parametrize("accept", ["application/json", RESPONSE_JSON, "text/event-stream"])
async def test_a_get_may_not_write(caller: Caller, accept: str) -> None:
    before = await _newest(caller)
    response = await caller.http.get("/graphql", params={"query": START}, headers={"accept": accept})
    text = response.text.removeprefix("event: next\r\ndata: ").split("\r\n")[0]
    assert response.status_code == (200 if accept == "text/event-stream" else 400)
    clear_codes(json.loads(text)["errors"])
    assert await _newest(caller) == before


@pytest.mark.parametrize(
    "parameters",
    [
        *({}, {"query": ""}, {"query": "{"}, {"query": TYPENAME, "operationName": "x"}, {"query": "\ufffd"}),
        *({"query": TYPENAME, "variables": value} for value in ("5", "[]", "x", "{", '{"a":NaN}', "[" * 3000)),
        {"query": "x" * 10_000},
    ],
    ids=lambda parameters: str(parameters)[:40],
)
@pytest.mark.parametrize("accept", ["*/*", "text/html", RESPONSE_JSON])
async def test_a_get_that_asks_for_nothing_gets_400_and_a_code(
    caller: Caller, parameters: dict[str, str], accept: str
) -> None:
    response = await caller.http.get("/graphql", params=parameters, headers={"accept": f"{accept}, {RESPONSE_JSON}"})
    assert response.status_code == 400, response.text
    clear_codes(response.json()["errors"])


async def test_a_subscription_without_a_stream_is_refused(caller: Caller) -> None:
    answer = await caller.send('subscription { phaseChanged(deployId: "x") { entry { id } } }')
    assert (answer.status, answer.code) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        *(("GET", path, 404, "NOT_FOUND") for path in ("/nothing", "/graphql/x", "/%00", "/..%2f..%2fetc/passwd")),
        *(("GET", path, 404, "NOT_FOUND") for path in ("/assets/%2e%2e/index.html", "/assets/%00", "/" + "x" * 5000)),
        *((method, "/graphql", 405, "METHOD_NOT_ALLOWED") for method in ("PUT", "DELETE", "PATCH", "TRACE", "FOO")),
    ],
)
async def test_what_does_not_exist_is_said_in_the_same_form(
    caller: Caller, method: str, path: str, status: int, code: str
) -> None:
    response = await caller.http.request(method, path)
    assert response.status_code == status
    assert clear_codes(response.json()["errors"]) == [code]


def _pieces() -> Iterator[bytes]:
    for begin in range(0, len(FIVE_MEGABYTES), 65_536):
        yield FIVE_MEGABYTES[begin : begin + 65_536]


@pytest.mark.parametrize("pieces", [False, True], ids=["with its length", "in chunks"])
@pytest.mark.parametrize("path", ["/graphql", "/nothing"])
def test_5_megabytes_get_413_and_a_code(server: Server, path: str, pieces: bool) -> None:
    content = _pieces() if pieces else FIVE_MEGABYTES
    response = httpx.post(f"{server.url}{path}", content=content, headers=JSON, trust_env=False)
    assert response.status_code == 413
    assert clear_codes(response.json()["errors"]) == ["TOO_LARGE"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
@pytest.mark.parametrize("header", ["Expect: 100-continue", "Expect:", "Transfer-Encoding: chunked"])
def test_curl_hears_413_while_it_is_still_sending(server: Server, tmp_path: Path, header: str) -> None:
    body = tmp_path / "body.json"
    body.write_bytes(FIVE_MEGABYTES)
    curl = [
        "curl",
        "-sS",
        "--noproxy",
        "*",
        "-H",
        header,
        "-H",
        "content-type: application/json",
        "-w",
        " %{http_code}",
    ]
    done = subprocess.run([*curl, "--data-binary", f"@{body}", f"{server.url}/graphql"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(" 413")


async def test_node_hears_413_while_it_is_still_sending(server: Server) -> None:
    assert (await node.run("send.mjs", f"{server.url}/graphql", "5000000", "10")).split() == ["413"] * 10


@pytest.mark.parametrize(
    "request_text",
    [
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{",
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: -1\r\n\r\n{}",
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}GET",
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: " + b"9" * 5000 + b"\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n{}",
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        b"GET /graphql HTTP/1.1\r\nhost: x\r\nx: " + b"x" * 200_000 + b"\r\n\r\n",
        b"GET /graphql?query=" + b"x" * 200_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        *(
            b"\0\0\0\0",
            b"GET\r\n\r\n",
            b"GET /graphql HTTP/9.9\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ),
    ],
    ids=lambda text: repr(text[:60]),
)
def test_no_lie_about_a_request_breaks_the_server(server: Server, request_text: bytes) -> None:
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        answer = b""
        with suppress(OSError):  # who sends too long a line is not heard to the end
            connection.sendall(request_text)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65_536):
                answer += piece
    assert not answer or answer.split()[1] in (b"200", b"400", b"413", b"431"), answer[:200]
    assert httpx.get(f"{server.url}/healthz", trust_env=False).status_code == 200
