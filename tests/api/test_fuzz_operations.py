"""Operations made from the schema by schemathesis, with each role's token: none may end in a fault of the server."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.graphql import nodes
from schemathesis.schemas import APIOperation

from tests.support.logins import TOKENS, bearer
from tests.support.server import Server
from tests.support.witness import clear_codes, faultless

_TIMES = st.sampled_from(["2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:60Z", "now", ""])


@pytest.fixture(scope="module", autouse=True)
async def _nothing_is_unexpected(server: Server) -> AsyncIterator[None]:
    """No test here may leave a trace in the server's log."""
    async with faultless(server):
        yield


async def test_no_operation_of_any_caller_ends_in_a_fault(server: Server) -> None:
    assert await _fuzzed(server, 30) > 200


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_none_of_very_many_operations_ends_in_a_fault(server: Server) -> None:
    assert await _fuzzed(server, 2000) > 5000


async def _fuzzed(server: Server, examples: int) -> int:
    """How many operations were sent. They are made in a process of their own: each follows from the state of Python's
    `random`, which is the whole process's, and which connections that other tests leave open use as well."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
        return await asyncio.get_running_loop().run_in_executor(apart, _fuzz, server.url, examples)


def _fuzz(url: str, examples: int) -> int:
    """Send examples of each operation that the server tells of, and return how many they were.

    They are the same ones in every run. None is worth minutes of looking for a smaller one that fails as well.
    """
    schemathesis.graphql.scalar("DateTime", _TIMES.map(nodes.String))
    how = settings(
        max_examples=examples, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    loaded = schemathesis.graphql.from_url(f"{url}/graphql", headers=bearer(TOKENS["viewer"]))
    operations: list[APIOperation[Any, Any, Any, Any]] = [
        found.ok() for found in loaded.get_all_operations() if isinstance(found, Ok)
    ]
    assert {"Query.deploys", "Mutation.applyCallback"} <= {operation.label for operation in operations}
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as http:
        return sum(_fuzz_one(http, operation, how) for operation in operations)


def _fuzz_one(http: httpx.Client, operation: APIOperation[Any, Any, Any, Any], how: settings) -> int:
    sent = 0

    @how
    @given(case=operation.as_strategy(), token=st.sampled_from([*TOKENS.values(), "garbage"]))
    def send(case: Any, token: str) -> None:
        nonlocal sent
        response = http.post("/graphql", json={"query": case.body}, headers=bearer(token))
        answer = response.json()
        assert response.status_code in (200, 400, 401, 403, 422, 429), (case.body, answer)
        if answer.get("errors"):
            clear_codes(answer["errors"])
        sent += 1

    send()
    return sent
