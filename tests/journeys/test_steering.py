"""What operators do with deploys, in the console and in the modal, before a real server and a GitHub."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.journeys.modal import SOON
from tests.journeys.steering import Steered, Steering, steered
from tests.support.browser import Viewers, keep_screenshot
from tests.support.github.faults import Fault, failing, refusal
from tests.support.logins import VIEWER
from tests.support.server import Server

REFUSED = r"Failed to load resource: the server responded with a status of 4"


@pytest.fixture
async def stage(database: Path, tmp_path: Path) -> AsyncIterator[Steered]:
    """A server that asks a GitHub, with a commit on `main` and on `maintenance`."""
    async with steered(database, tmp_path) as standing:
        standing.github.repository.branch("maintenance", standing.github.repository.commit())
        yield standing


@pytest.fixture
def server(stage: Steered) -> Server:
    return stage.server


async def test_refs_are_suggested_what_is_deployed_is_told_and_what_would_change_is_compared(
    stage: Steered, viewers: Viewers
) -> None:
    first = await stage.caller.start("production", "main")
    await stage.caller.walk(first["id"], "building", "deploying", "succeeded")
    stage.github.repository.commit()
    console = Steering(await viewers.open(stage.server.url))
    await expect(console.environment("production")).to_contain_text(re.compile("Succeeded last main [0-9a-f]{7}"))
    await console.button("Start a deploy").first.click()
    await console.form.get_by_label("Environment").select_option("production")
    await expect(console.form.locator(".standing")).to_contain_text(re.compile("Succeeded last: main [0-9a-f]{7}"))
    await console.form.get_by_label("Ref").press_sequentially("mai")
    await expect(console.form.locator("#refs option")).to_have_count(2)
    names = await console.form.locator("#refs option").evaluate_all("(options) => options.map(({ value }) => value)")
    assert names == ["main", "maintenance"]
    await console.form.get_by_label("Ref").fill("main")
    await expect(console.form.locator("#ref-changes")).to_contain_text("1 commit ahead, 0 behind")
    await keep_screenshot(console.page, "steering-form-compared")
    await console.press("Enter")
    await expect(console.modal.host).to_have_attribute("data-status", "queued", timeout=SOON)


async def test_whoever_starts_while_another_is_in_progress_waits_goes_on_by_itself_and_can_be_cancelled(
    stage: Steered, viewers: Viewers
) -> None:
    console = Steering(await viewers.open(stage.server.url))
    first = await console.started("production", "main")
    await stage.run_of(first)
    await console.press("Escape")
    second = await console.started("production", "maintenance")
    await console.says("queue-place", "1st in its queue")
    await keep_screenshot(console.page, "steering-waits")
    await console.press("Escape")
    third = await console.started("production", "main")
    await console.says("queue-place", "2nd in its queue")
    await console.press("Escape")

    production = console.environment("production")
    await expect(production.locator("[data-waiting]")).to_have_count(2)
    order = await production.locator("[data-waiting]").evaluate_all("(rows) => rows.map((row) => row.dataset.waiting)")
    assert order == [second, third]
    await keep_screenshot(console.page, "steering-queue")
    await production.locator(f"[data-waiting='{third}']").get_by_role("button", name="Cancel").click()
    await expect(console.asks).to_contain_text("It ends here at once, as cancelled.")
    assert await console.focused() == "reason"
    await console.asks.get_by_label("Reason").fill("not needed any more")
    await console.press("Enter")
    await expect(production.locator("[data-waiting]")).to_have_count(1)
    assert (await stage.caller.deploy(third))["status"]["key"] == "cancelled"

    await console.link(second).click()
    await stage.caller.walk(first, "building", "deploying", "succeeded")
    await expect(console.modal.part("queue-place")).to_have_count(0, timeout=SOON)
    run = await stage.run_of(second)
    await stage.github.runs.begin(run)
    await console.says("run-account", "in_progress")


async def test_where_nobody_waits_a_second_start_is_refused_with_a_link_to_the_deploy_that_is_in_progress(
    stage: Steered, viewers: Viewers
) -> None:
    viewers.tolerate(REFUSED)
    first = await stage.caller.start("staging", "main")
    console = Steering(await viewers.open(stage.server.url))
    await console.start("staging", "maintenance")
    notice = console.form.locator(".notice")
    await expect(notice).to_contain_text("The deploy was not started. Another deploy is in progress: main")
    await expect(console.form.locator(".standing")).to_contain_text("A deploy can be started when that one has ended.")
    await keep_screenshot(console.page, "steering-busy")
    await notice.get_by_role("link").click()
    await expect(console.modal.part("deploy-id")).to_have_text(first["id"])
    await console.press("Escape")
    await expect(console.form.get_by_label("Ref")).to_have_value("maintenance")


async def test_a_cancellation_is_asked_for_with_the_keyboard_and_the_status_changes_when_github_says_so(
    stage: Steered, viewers: Viewers
) -> None:
    console = Steering(await viewers.open(stage.server.url))
    deploy_id = await console.started("production", "main")
    run = await stage.run_of(deploy_id)
    await stage.github.runs.wait(run, "production")
    await console.says("run-waits", "GitHub says of the run: waiting.")
    await keep_screenshot(console.page, "steering-approval")
    await console.modal.part("cancel").focus()
    await console.press("Enter")
    assert await console.focused() == "reason"
    await console.press("Escape")
    await expect(console.asks).to_have_count(0)
    await expect(console.dialog).to_be_visible()
    assert await console.focused() == "Cancel"
    await console.press("Enter")
    await console.page.keyboard.type("wrong ref")
    await keep_screenshot(console.page, "steering-cancel-asked")
    await console.press("Enter")
    await console.says("request", "Cancellation asked for by token:operator")
    await expect(console.asks).to_have_count(0)
    await expect(console.modal.host).to_have_attribute("data-outcome", "IN_PROGRESS")
    assert await console.focused() == "title"
    await keep_screenshot(console.page, "steering-cancel-pending")
    assert run.cancelling
    await stage.github.runs.end(run, "cancelled")
    await expect(console.modal.host).to_have_attribute("data-status", "cancelled", timeout=SOON)
    await expect(console.modal.part("request")).to_have_count(0)
    sources = await console.modal.part("source").all_inner_texts()
    assert {"GitHub", "Operator"} <= set(sources)


async def test_what_github_refuses_is_told_and_stays_to_be_seen(stage: Steered, viewers: Viewers) -> None:
    viewers.tolerate(REFUSED)
    console = Steering(await viewers.open(stage.server.url))
    deploy_id = await console.started("production", "main")
    run = await stage.run_of(deploy_id)
    await stage.github.runs.begin(run)
    await console.says("run-account", "in_progress")
    no = refusal(409, "Cannot cancel a workflow run that is completed.")
    stage.github.faults.add(Fault(lambda: no), "POST", "/cancel")
    await console.confirm("cancel", "wrong ref")
    await expect(console.asks.locator(".notice")).to_contain_text("GITHUB_REFUSED")
    await keep_screenshot(console.page, "steering-cancel-refused")
    await console.press("Escape")
    await console.says("request", "GitHub has refused it:")
    await keep_screenshot(console.page, "steering-request-failed")


async def test_failed_jobs_are_run_again_as_the_next_attempt_and_the_same_is_deployed_again(
    stage: Steered, viewers: Viewers
) -> None:
    console = Steering(await viewers.open(stage.server.url))
    deploy_id = await console.started("production", "main")
    run = await stage.fails(deploy_id)
    await expect(console.modal.host).to_have_attribute("data-status", "failed", timeout=SOON)
    await keep_screenshot(console.page, "steering-failed")
    await console.confirm("rerun", "the runner broke")
    await console.says("request", "Re-run asked for")
    await stage.github.told()
    assert run.newest.number == 2
    await stage.github.runs.begin(run)
    await stage.caller.walk(deploy_id, "building", attempt=2)
    await expect(console.modal.host).to_have_attribute("data-attempt", "2", timeout=SOON)
    await expect(console.modal.part("request")).to_have_count(0)
    await stage.caller.walk(deploy_id, "deploying", "succeeded", attempt=2)
    await expect(console.modal.host).to_have_attribute("data-status", "succeeded", timeout=SOON)
    pinned = (await stage.caller.deploy(deploy_id))["commit"]
    stage.github.repository.commit()
    await console.confirm("redeploy", "to be sure")
    await expect(console.modal.part("deploy-id")).not_to_have_text(deploy_id, timeout=SOON)
    again = await console.modal.part("deploy-id").inner_text()
    assert console.page.url.endswith(again)
    await expect(console.modal.part("commit")).to_have_text(pinned)
    assert (await stage.run_of(again)).inputs["commit"] == pinned


async def test_a_deploy_that_nobody_reports_on_is_abandoned_in_a_persons_name(stage: Steered, viewers: Viewers) -> None:
    console = Steering(await viewers.open(stage.server.url))
    deploy_id = await console.started("production", "main")
    await stage.run_of(deploy_id)
    await console.confirm("abandon", "the runner is gone")
    await expect(console.modal.host).to_have_attribute("data-outcome", "ABANDONED", timeout=SOON)
    await expect(console.modal.part("entry").first).to_contain_text("the runner is gone")
    await expect(console.modal.part("source").first).to_have_text("Operator")
    await expect(console.modal.part("abandon")).to_have_count(0)


async def test_that_it_is_not_known_whether_a_run_was_begun_is_said(stage: Steered, viewers: Viewers) -> None:
    stage.github.faults.add(failing(), "POST", "/dispatches")
    console = Steering(await viewers.open(stage.server.url))
    await console.started("production", "main")
    await console.says("dispatch", "It is not known whether GitHub has begun the run.")
    await expect(console.modal.part("cancel")).to_have_count(0)
    await expect(console.modal.part("abandon")).to_be_visible()
    await keep_screenshot(console.page, "steering-unclear")


async def test_whoever_may_only_read_sees_all_of_it_and_no_button(stage: Steered, viewers: Viewers) -> None:
    first = await stage.caller.start("production", "main")
    second = await stage.caller.start("production", "maintenance")
    page = await viewers.open(stage.server.url, signed_in=False)
    console = Steering(page)
    await console.sign_in(VIEWER)
    await expect(console.environment("production").locator("[data-waiting]")).to_have_count(1)
    await expect(console.environments.get_by_role("button")).to_have_count(0)
    await page.goto(f"{stage.server.url}/deploys/{second['id']}")
    await console.says("queue-place", "1st in its queue")
    await expect(console.modal.part("steering")).to_have_count(0)
    assert first["id"] != second["id"]
