"""How GitHub is asked: with the token of now, and so that each answer is read into a value, or ends in one error."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, TypeVar

import httpx2
from gidgethub.sansio import format_url

from phaseline.github.credentials import Credentials
from phaseline.github.errors import GitHubError, NotAllowed, Refused, Unclear
from phaseline.github.exchange import Exchange, Variables
from phaseline.github.reading import Unreadable, listed, members, optional_whole

ACTIONS_READ, ACTIONS_WRITE, CONTENTS_READ = "Actions: read", "Actions: write", "Contents: read"
_METADATA_READ = "Metadata: read"

REPOSITORY = "/repos/{owner}/{name}"

T = TypeVar("T")


def of(repository: str, **more: str | int) -> dict[str, str | int]:
    """What fills in an address below a repository, which is given as OWNER/NAME."""
    owner, _, name = repository.partition("/")
    return {"owner": owner, "name": name, **more}


class Asking:
    """As one credential. What is kept of answers goes when its token does."""

    def __init__(self, api_url: str, credentials: Credentials, http: httpx2.AsyncClient) -> None:
        self._api_url, self._credentials, self._http = api_url, credentials, http
        self._token: str | None = None
        self._exchange = self._without_token = Exchange(http, api_url)

    async def get(self, path: str, variables: Variables, permission: str, read: Callable[[object], T]) -> T:
        """What lies there. `permission`: what it needs, for people. Raises the errors of errors.py."""
        said = await self._ask(path, variables, lambda exchange: exchange.get(path, variables, permission))
        return _read(said, read)

    async def post(
        self, path: str, variables: Variables, permission: str, read: Callable[[object], T], body: object = b""
    ) -> T:
        """What is answered to this. Raises the errors of errors.py."""
        said = await self._ask(path, variables, lambda exchange: exchange.send(path, variables, permission, body))
        return _read(said, read)

    async def pages(
        self, path: str, variables: Variables, permission: str, name: str, read: Callable[[object], T], most: int
    ) -> AsyncGenerator[T]:
        """What is listed under this name, page by page, and no more pages than `most`."""

        def page_of(said: object) -> tuple[list[T], int | None]:
            return [read(item) for item in listed(said, name)], optional_whole(members(said), "total_count")

        passed = 0
        for page in range(1, most + 1):
            items, in_all = await self.get(path, {**variables, "page": page}, permission, page_of)
            for item in items:
                yield item
            passed += len(items)
            if not items or (in_all is not None and passed >= in_all):
                return

    async def _ask(self, path: str, variables: Variables, ask: Callable[[Exchange], Awaitable[Any]]) -> Any:
        token = await self._credentials.token(self._installation_token)
        exchange = self._with(token)
        try:
            return await ask(exchange)
        except NotAllowed as error:
            if error.status == 401:
                self._credentials.discard(token)
            raise
        except Refused as error:
            if error.status != 404:
                raise
            await self._look_for_repository(exchange, variables)
            raise Refused(f"{error.message}: {_below(path, variables)}", 404) from None

    def _with(self, token: str) -> Exchange:
        if token != self._token:
            self._token, self._exchange = token, Exchange(self._http, self._api_url, token)
        return self._exchange

    async def _look_for_repository(self, exchange: Exchange, variables: Variables) -> None:
        """Raise NotAllowed where a 404 is GitHub's way of not telling that there is such a repository."""
        try:
            await exchange.get(REPOSITORY, variables, _METADATA_READ)
        except Refused as error:
            if error.status == 404:
                repository = f"{variables['owner']}/{variables['name']}"
                raise NotAllowed(
                    f"{repository} is not there, or the credential may not see it; needed: {_METADATA_READ}", 404
                ) from None
        except GitHubError:
            return  # what was asked for has been answered, and stays as it was answered

    async def _installation_token(self, installation_id: str, proof: str) -> object:
        path = "/app/installations/{installation_id}/access_tokens"
        try:
            return await self._without_token.send(
                path, {"installation_id": installation_id}, "an App that is installed there", jwt=proof
            )
        except Refused as error:
            raise NotAllowed(f"GitHub gives the App no token: {error.message}", error.status) from None


def _below(path: str, variables: Variables) -> str:
    """What was asked for, for people: the address below the repository, without what follows a question mark."""
    return format_url(path.removeprefix(REPOSITORY + "/").partition("{?")[0], variables, base_url="").strip("/")


def _read(said: object, read: Callable[[object], T]) -> T:
    try:
        return read(said)
    except Unreadable as error:
        raise Unclear(f"its answer cannot be read: {error}") from None
