"""What must hold of deploy-console.yml as a file, whatever becomes of a run of it."""

import re
from typing import Any

import pytest
from ruamel.yaml import YAML

from phaseline.resources import find
from phaseline_schema.pipeline import Outcome
from phaseline_schema.pipelines.console import CONSOLE

FILE = find(".github/workflows/deploy-console.yml")
TEXT = FILE.read_text(encoding="utf-8")
WORKFLOW: dict[str, Any] = YAML(typ="safe").load(TEXT)
JOBS: dict[str, Any] = WORKFLOW["jobs"]
STEPS = [(f"{job}: {step['name']}", step) for job, body in JOBS.items() for step in body["steps"]]
REPORTS = [(name, step) for name, step in STEPS if step.get("uses") == "./.github/actions/notify-deploy-status"]


def each(steps: list[tuple[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("step", [step for _, step in steps], ids=[name for name, _ in steps])


@each(REPORTS)
def test_a_report_can_neither_fail_its_job_nor_hold_it_up(step: dict[str, Any]) -> None:
    assert step["continue-on-error"] is True
    assert step["timeout-minutes"] <= 2


@each([(name, step) for name, step in REPORTS if not name.startswith("report:")])
def test_a_report_is_skipped_where_the_console_did_not_start_the_deploy(step: dict[str, Any]) -> None:
    assert step["if"].startswith("inputs.console_deploy_id != ''")


def test_the_job_that_reports_the_end_always_runs_and_needs_every_other() -> None:
    assert JOBS["report"]["if"] == "always() && inputs.console_deploy_id != ''"
    assert set(JOBS["report"]["needs"]) == set(JOBS) - {"report"}


def test_every_status_of_the_pipeline_is_reported_in_its_order() -> None:
    """All but the first, which the server itself records, and the ends, of which `report` works out the right one."""
    statuses = [status for status in CONSOLE.statuses if status.outcome is Outcome.IN_PROGRESS]
    assert [step["with"]["status"] for _, step in REPORTS[:-1]] == [status.key for status in statuses[1:]]


def test_the_ends_that_are_reported_are_those_of_the_pipeline() -> None:
    [script] = [step["run"] for name, step in STEPS if name == "report: Work out how the run ended"]
    ends = {status.key for status in CONSOLE.statuses if status.outcome is not Outcome.IN_PROGRESS}
    reported = {end for status in CONSOLE.statuses for end in CONSOLE.following(status.key)} & ends
    assert set(re.findall(r"status=(\w+)", script)) == reported < ends


@each([(name, step) for name, step in STEPS if "run" in step])
def test_no_expression_stands_inside_a_script(step: dict[str, Any]) -> None:
    assert "${{" not in step["run"]


def test_every_action_from_elsewhere_is_pinned_by_its_commit_and_says_its_version() -> None:
    elsewhere = [line for line in TEXT.splitlines() if "uses:" in line and "uses: ./" not in line]
    assert elsewhere
    for line in elsewhere:
        assert re.fullmatch(r"\s+(- )?uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)


def test_no_job_has_a_right_that_it_does_not_name() -> None:
    assert WORKFLOW["permissions"] == {}
    for body in JOBS.values():
        assert body["permissions"] == {"contents": "read", "id-token": "write"}


def test_each_job_that_reports_may_have_an_id_token_and_none_other() -> None:
    reporting = {name.split(":")[0] for name, _ in REPORTS}
    assert {job for job, body in JOBS.items() if "id-token" in body["permissions"]} == reporting


@each([(name, step) for name, step in STEPS if "$COMMAND" in step.get("run", "")])
def test_a_command_does_not_find_what_id_tokens_are_asked_for_with(step: dict[str, Any]) -> None:
    run = 'env -u ACTIONS_ID_TOKEN_REQUEST_URL -u ACTIONS_ID_TOKEN_REQUEST_TOKEN bash -euo pipefail -c "$COMMAND"'
    assert step["run"].splitlines()[-1] == run


def test_a_deploy_waits_for_the_one_before_it_in_its_environment_and_never_cuts_it_short() -> None:
    assert WORKFLOW["concurrency"] == {"group": "deploy-console-${{ inputs.environment }}", "cancel-in-progress": False}


def test_the_commit_that_it_is_given_is_what_is_checked_out_and_the_ref_where_it_is_given_none() -> None:
    refs = {
        step["with"]["ref"]
        for body in JOBS.values()
        for step in body["steps"]
        if step.get("uses", "").startswith("actions/checkout@") and "ref" in step["with"]
    }
    tested = "${{ needs.smoke.outputs.commit || inputs.commit || inputs.ref }}"
    assert refs == {"${{ inputs.commit || inputs.ref }}", tested}


def test_a_run_is_found_by_the_consoles_id() -> None:
    assert "inputs.console_deploy_id" in WORKFLOW["run-name"]


def test_every_job_has_an_end() -> None:
    assert all(body["timeout-minutes"] <= 120 for body in JOBS.values())


def test_it_is_called_with_the_same_inputs_as_it_is_started_with() -> None:
    # YAML 1.1 reads the key `on` as true.
    triggers = WORKFLOW.get("on") or WORKFLOW[True]  # type: ignore[index]
    assert set(triggers["workflow_dispatch"]["inputs"]) == set(triggers["workflow_call"]["inputs"])
