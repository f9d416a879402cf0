"""The graphs in force where server and database do not know the same."""

from dataclasses import replace
from pathlib import Path

import pytest

from phaseline import graph
from phaseline_schema.pipelines.console import CONSOLE
from tests.support.application import in_this_process


async def test_a_pipeline_that_the_database_does_not_hold_is_none(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = replace(CONSOLE, name="canary")
    monkeypatch.setattr(graph, "PIPELINES", {CONSOLE.name: CONSOLE, canary.name: canary})
    async with in_this_process(database) as caller:
        start = 'mutation { startDeploy(input: {environment: "x", ref: "x", pipeline: "canary"}) { id } }'
        for document in (start, '{ pipeline(name: "canary") { name } }'):
            answer = await caller.send(document)
            assert (answer.status, answer.code) == (422, "PIPELINE_NOT_FOUND")
            assert answer.body["errors"][0]["message"].endswith("there are: console")
        await caller.walk((await caller.start())["id"], "building")
