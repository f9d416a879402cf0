"""An ID token is good for one callback, on whatever database, and however many nodes it is sent to at once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conformance.conftest import on_one_of_each
from tests.conformance.stores import Store, on_newest_postgresql, waits
from tests.support.caller import Answer, Caller
from tests.support.issuer import Issuer, trust_file
from tests.support.logins import bearer
from tests.support.postgres import Postgres
from tests.support.raw import connected
from tests.support.server import serving

_REPORT = "mutation ($input: CallbackInput!) { applyCallback(input: $input) { duplicate entry { sequence } } }"


@dataclass
class Trusting:
    """A server that trusts an issuer's tokens, and its database."""

    issuer: Issuer
    caller: Caller
    database: Path | str

    async def report(self, deploy: dict[str, str], token: str, status: str = "building") -> Answer:
        body = {"query": _REPORT, "variables": {"input": {"deployId": deploy["id"], "status": status}}}
        response = await self.caller.http.post("/graphql", json=body, headers=bearer(token))
        return Answer(response.status_code, response.json())

    async def kept(self) -> int:
        """How many tokens are remembered."""
        async with connected(self.database) as raw:
            return int((await raw.execute("SELECT count(*) FROM used_id_tokens"))[0][0])


@pytest.fixture(scope="session")
async def trusting(store: Store, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Trusting]:
    file, database = tmp_path_factory.mktemp("replays") / "trust.toml", await store.empty()
    with Issuer() as issuer:
        alone = {"environments": ["alone"], "repository_id": 78, "several_deploys": False}
        file.write_text(trust_file(issuer, {"environments": ["production"]}, alone))
        async with serving(database, trust_file=str(file)) as server, Caller(server.url) as caller:
            yield Trusting(issuer, caller, database)


@on_one_of_each
async def test_one_token_that_comes_at_once_for_many_deploys_moves_one_of_them(trusting: Trusting) -> None:
    for _ in range(3):
        deploys = [await trusting.caller.start() for _ in range(6)]
        token = trusting.issuer.token()
        answers = await asyncio.gather(*(trusting.report(deploy, token) for deploy in deploys))
        refused = [answer for answer in answers if answer.status != 200]
        assert [(answer.status, answer.error.get("claim")) for answer in refused] == [(403, "jti")] * 5
        logs = [await trusting.caller.entries(deploy["id"]) for deploy in deploys]
        assert sorted(log[-1]["kind"] for log in logs) == ["CALLBACK_REFUSED"] * 5 + ["TRANSITION"]


@on_one_of_each
async def test_one_run_that_comes_at_once_for_many_deploys_takes_one_of_them(trusting: Trusting) -> None:
    for number in range(3):
        deploys = [await trusting.caller.start("alone") for _ in range(6)]
        tokens = [trusting.issuer.token(repository_id="78", run_id=f"10{number}") for _ in deploys]
        answers = await asyncio.gather(*map(trusting.report, deploys, tokens))
        refused = [answer for answer in answers if answer.status != 200]
        assert [(answer.status, answer.error.get("claim")) for answer in refused] == [(403, "run_id")] * 5


@on_newest_postgresql
async def test_whoever_comes_while_a_token_is_being_judged_waits_and_is_refused(
    trusting: Trusting, postgres: Postgres
) -> None:
    """Where both had looked before either had written, the second would end in an error of the database."""
    one, other = [await trusting.caller.start() for _ in range(2)]
    token = trusting.issuer.token()
    async with connected(trusting.database) as raw:
        await raw.begin()
        await raw.execute("LOCK TABLE used_id_tokens IN EXCLUSIVE MODE")  # it can be read, and not be written
        first = asyncio.create_task(trusting.report(one, token))
        await waits(postgres, trusting.database, "used_id_tokens")
        second = asyncio.create_task(trusting.report(other, token))
        await waits(postgres, trusting.database, "pg_advisory_xact_lock")
        await raw.roll_back()
    assert (await first).status == 200
    answer = await second
    assert (answer.status, answer.code, answer.error["claim"]) == (403, "FORBIDDEN", "jti")


@on_one_of_each
async def test_the_same_token_and_callback_at_once_write_one_entry(trusting: Trusting) -> None:
    deploy, token = await trusting.caller.start(), trusting.issuer.token()
    answers = await asyncio.gather(*(trusting.report(deploy, token) for _ in range(8)))
    assert {answer.status for answer in answers} == {200}
    assert {answer.data["applyCallback"]["entry"]["sequence"] for answer in answers} == {2}
    assert len(await trusting.caller.entries(deploy["id"])) == 2


@on_one_of_each
async def test_tokens_that_can_come_no_more_are_forgotten_and_those_that_can_are_kept(trusting: Trusting) -> None:
    deploys = [await trusting.caller.start() for _ in range(3)]
    await trusting.report(deploys[0], trusting.issuer.token(jti="old"))
    async with connected(trusting.database) as raw:
        await raw.execute("UPDATE used_id_tokens SET expires_at = '2026-01-01 00:00:00.000000' WHERE jti = 'old'")
    before = await trusting.kept()
    await trusting.report(deploys[1], trusting.issuer.token())
    assert await trusting.kept() == before
    await trusting.report(deploys[2], trusting.issuer.token())
    assert await trusting.kept() == before + 1
