"""What is asked of GitHub with one token: gidgethub over httpx2, with an end to how long and how large all may be."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, NoReturn

import gidgethub
import httpx2
from gidgethub.abc import GitHubAPI

from phaseline.github import keeping, wording
from phaseline.github.errors import GitHubError, NotSent, Refused, Unclear
from phaseline.github.judging import judged

AGENT = f"phaseline/{version('phaseline')}"
API_VERSION = "2022-11-28"
_JSON = "application/vnd.github+json"

# How long it may take until there is a connection, and until all of an answer is there, in seconds.
CONNECTING = 5.0
PATIENCE = 15.0

# How much an answer may hold, in bytes, and how often it may be another address of the same host.
LARGEST = 16 * 2**20
REDIRECTIONS = 3

_HEADERS = {"x-github-api-version": API_VERSION}
_TIMEOUT = httpx2.Timeout(PATIENCE, connect=CONNECTING, pool=CONNECTING)

# With these no byte of the request has gone out.
_BEFORE_SENDING = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
    httpx2.InvalidURL,
)

Variables = Mapping[str, str | int]


class _Failed(Exception):
    """GitHub has answered, and not as hoped for."""

    def __init__(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        super().__init__(status)
        self.answer = status, headers, content


class Exchange(GitHubAPI):
    """Asks with one token, or with none but what a request brings along. Nothing is ever sent twice."""

    def __init__(self, http: httpx2.AsyncClient, api_url: str, token: str | None = None) -> None:
        super().__init__(AGENT, oauth_token=token, cache=keeping.Answers(), base_url=api_url)
        self._http = http
        self._origin = _origin(httpx2.URL(api_url))

    async def get(self, path: str, variables: Variables, permission: str) -> Any:
        """What lies there. Raises the errors of errors.py, and no others."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.getitem(path, variables, accept=_JSON, extra_headers=dict(_HEADERS))
        except Exception as error:
            self._end(error, permission, ())

    async def send(
        self, path: str, variables: Variables, permission: str, data: Any = b"", jwt: str | None = None
    ) -> Any:
        """What is answered to this POST; None where that is nothing. Raises the errors of errors.py, and no others."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.post(path, variables, data=data, accept=_JSON, jwt=jwt, extra_headers=dict(_HEADERS))
        except Exception as error:
            self._end(error, permission, (jwt or "",))

    def _end(self, error: Exception, permission: str, secrets: tuple[str, ...]) -> NoReturn:
        """Raise what this means. Nothing of the error itself is told on: it may hold a request, and so the token."""
        if isinstance(error, GitHubError):
            raise error
        secrets = (*secrets, self.oauth_token or "")
        said = wording.line(f"{type(error).__name__}: {error}".strip(": "), secrets)
        if isinstance(error, _Failed):
            meaning = judged(*error.answer, permission=permission, now=datetime.now(UTC), secrets=secrets)
            raise (meaning or Unclear("it has answered with nothing new, to one who knew nothing")) from None
        if isinstance(error, _BEFORE_SENDING):
            raise NotSent(said) from None
        if isinstance(error, TimeoutError | httpx2.TimeoutException):
            raise Unclear(f"it has not answered within {PATIENCE:g} seconds") from None
        if isinstance(error, httpx2.HTTPError | httpx2.StreamError | OSError):
            raise Unclear(f"the connection was lost: {said}") from None
        if isinstance(error, gidgethub.GitHubException | ValueError | LookupError | TypeError | RecursionError):
            raise Unclear(f"its answer cannot be read: {said}") from None
        raise error

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        """gidgethub asks through this. What is not a success never gets as far as its own reading of errors, which
        takes for granted what servers between here and GitHub need not keep to."""
        for _ in range(REDIRECTIONS):
            status, answered, content = await self._once(method, url, headers, body)
            moved = self._moved(method, url, status, answered.get("location"))
            if moved is None:
                break
            url = moved
        else:
            raise Refused(f"it was sent to another address more than {REDIRECTIONS - 1} times", status)
        if status not in (200, 201, 202, 204) and not (status == 304 and "if-none-match" in headers):
            raise _Failed(status, answered, content)
        if len(content) > keeping.LARGEST:
            answered = {name: value for name, value in answered.items() if name not in ("etag", "last-modified")}
        return status, answered, content

    async def _once(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        if self._http.is_closed:
            raise NotSent("this server has stopped asking")
        content = bytearray()
        asked = self._http.stream(
            method, url, headers=dict(headers), content=body, timeout=_TIMEOUT, follow_redirects=False
        )
        async with asked as response:
            async for part in response.aiter_bytes():
                content += part
                if len(content) > LARGEST:
                    raise Unclear(f"it has answered with more than {LARGEST} bytes")
        # By their names in small letters.
        return response.status_code, dict(response.headers), bytes(content)

    def _moved(self, method: str, url: str, status: int, location: str | None) -> str | None:
        """Where on the same host it is now, such as after a repository was renamed. The token goes to no other."""
        if location is None or status not in ((301, 302, 307, 308) if method == "GET" else (307, 308)):
            return None
        there = httpx2.URL(url).join(location)
        return str(there) if _origin(there) == self._origin else None

    async def sleep(self, seconds: float) -> None:
        """gidgethub wants to be able to; nothing here waits."""
        await asyncio.sleep(seconds)


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"https": 443, "http": 80}.get(url.scheme)
