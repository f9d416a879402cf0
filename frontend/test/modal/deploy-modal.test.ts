import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import "../../src/modal/phaseline-deploy-modal.ts";
import type { DeployModal } from "../../src/modal/deploy-modal.ts";
import type { ChangeDetail } from "../../src/modal/reflection.ts";
import { expectAccessible } from "../accessibility.ts";
import { FakeServer } from "../fake-server.ts";
import { aside, at, deploy, entry, phase, refusal } from "../make.ts";

let server: FakeServer;
let modal: DeployModal;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse(at(30)), toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
  server = new FakeServer().install();
  modal = document.createElement("phaseline-deploy-modal");
  modal.setAttribute("endpoint", "https://server.example/graphql");
  modal.setAttribute("deploy-id", "d1");
  modal.setAttribute("open", "");
  document.body.append(modal);
});

afterEach(() => {
  modal.remove();
  vi.useRealTimers();
});

async function pass(milliseconds = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
  while (modal.isUpdatePending) await vi.advanceTimersByTimeAsync(1);
}

async function show(shown = deploy(2, "b"), ...entries: ReturnType<typeof entry>[]): Promise<void> {
  await pass();
  server.phaseChanged(shown, entry(shown.sequence, shown.status.key, { attempt: shown.attempt }));
  server.auditEntryAdded(...entries);
  await pass();
}

const all = (part: string) => [...modal.renderRoot.querySelectorAll<HTMLElement>(`[part="${part}"]`)];
const words = (element: Element | undefined) => element?.textContent?.replace(/\s+/g, " ").trim() ?? "";
const text = (part: string) => words(all(part)[0]);

describe("the steps", () => {
  test("are those the server tells, in its order and with its labels, however many there are", async () => {
    const phases = [phase("canary", 3, "PENDING"), phase("gate", 1, "PASSED"), phase("soak", 2, "ACTIVE")];
    await show(deploy(2, "b", { phases }));
    expect(all("step").map((step) => step.dataset["phase"])).toEqual(["gate", "soak", "canary"]);
    expect(all("step-label").map(words)).toEqual(["Label of gate", "Label of soak", "Label of canary"]);
  });

  test("say each state by a word and an icon of its own", async () => {
    const states = ["PENDING", "ACTIVE", "PASSED", "FAILED", "CANCELLED", "NOT_REPORTED"] as const;
    await show(deploy(2, "b", { phases: states.map((state, index) => phase(state, index, state)) }));
    expect(all("step").map((step) => step.dataset["state"])).toEqual(states);
    expect(all("step-state").map(words)).toEqual(["Pending", "Active", "Passed", "Failed", "Cancelled", "Not reported"]);
    expect(new Set(all("step").map((step) => step.querySelector("svg")?.innerHTML)).size).toBe(states.length);
  });

  test("do not move by themselves, however much time passes", async () => {
    await show();
    const before = all("step").map((step) => step.dataset["state"]);
    await pass(1_800_000);
    expect(all("step").map((step) => step.dataset["state"])).toEqual(before);
    expect(modal.dataset["status"]).toBe("b");
  });

  test("invent no time that was not reported", async () => {
    const phases = [
      phase("both", 1, "PASSED", { startedAt: at(1), finishedAt: at(11), attempt: 1 }),
      phase("ended", 2, "PASSED", { finishedAt: at(11), attempt: 1 }),
      phase("began", 3, "NOT_REPORTED", { startedAt: at(12), attempt: 1 }),
      phase("never", 4, "NOT_REPORTED"),
    ];
    await show(deploy(2, "b", { phases }));
    const said = (index: number, part: string) => words(all("step")[index]?.querySelector(`[part="${part}"]`) ?? undefined);
    expect([said(0, "step-took"), all("step-running").length]).toEqual(["took 10 s", 0]);
    expect([said(1, "step-began"), said(1, "step-took"), words(all("step")[1])]).toEqual(["", "", expect.stringContaining("beginning not reported")]);
    expect(words(all("step")[2])).toContain("ending never reported");
    expect([said(3, "step-began"), words(all("step")[3])]).toEqual(["", expect.stringContaining("no accepted report")]);
  });

  test("say which attempt a phase is of, where it is not the deploy's", async () => {
    const phases = [phase("gate", 1, "PASSED", { attempt: 1 }), phase("rollout", 2, "ACTIVE", { attempt: 2 })];
    await show(deploy(2, "b", { phases, attempt: 2 }));
    expect(all("step-attempt").map(words)).toEqual(["in attempt 1"]);
    expect(modal.dataset["attempt"]).toBe("2");
  });

  test("say that a deploy was abandoned", async () => {
    const status = { key: "abandoned", label: "Abandoned", outcome: "ABANDONED" } as const;
    await show(deploy(2, "abandoned", { status, phases: [phase("gate", 1, "PASSED"), phase("rollout", 2, "NOT_REPORTED")] }));
    expect([text("status"), text("outcome")]).toEqual(["Abandoned", "Abandoned"]);
    expect(all("status")[0]?.querySelector(".icon.abandoned")).not.toBeNull();
  });

  test("turn an icon only while one of them is active", async () => {
    await show(deploy(2, "b", { phases: [phase("gate", 1, "PASSED"), phase("rollout", 2, "PENDING")] }));
    expect([all("status")[0]?.querySelectorAll(".icon").length, all("status")[0]?.querySelector(".arc")]).toEqual([1, null]);
    server.phaseChanged(deploy(3, "c"), entry(3, "c"));
    await pass();
    expect(all("status")[0]?.querySelector(".arc")).not.toBeNull();
  });

  test("run a clock for the active phase, from the server's time", async () => {
    await show();
    expect(text("step-running")).toBe("running for 30 s");
    await pass(45_000);
    expect(text("step-running")).toBe("running for 1 min 15 s");
  });
});

describe("the audit entries", () => {
  test("arrive newest first, in the server's words, refusals marked with what was asked for", async () => {
    await show(deploy(2, "b"), entry(1, "a"), entry(2, "b"), refusal(3, "b", "STALE_ATTEMPT"));
    server.subscription("pipeline").next({ pipeline: { statuses: [{ key: "b", label: "Bee" }] } });
    await pass();
    expect(all("entry").map((row) => [row.dataset["sequence"], row.dataset["kind"], row.dataset["toStatus"]])).toEqual([
      ["3", "CALLBACK_REFUSED", "b"],
      ["2", "TRANSITION", "b"],
      ["1", "DEPLOY_STARTED", "a"],
    ]);
    expect(words(all("entry")[0])).toMatch(/Callback refused asked for Bee STALE_ATTEMPT/);
    expect(words(all("entry")[2])).toContain("Deploy started: a");
  });

  test("say what moves nothing, GitHub's own words among it", async () => {
    const told = [
      aside(3, "b"),
      aside(4, "b", { runStatus: "completed", runConclusion: "timed_out" }),
      aside(5, "b", { kind: "DISPATCH_UNCLEAR", runStatus: null }),
      aside(6, "b", { kind: "CANCEL_REQUESTED", runStatus: null }),
      aside(7, "b", { kind: "RERUN_REQUESTED", runStatus: null }),
      aside(8, "b", { kind: "REQUEST_FAILED", runStatus: null }),
      aside(9, "b", { kind: "REQUEST_FAILED", source: "CONSOLE", runStatus: null }),
    ];
    await show(deploy(2, "b"), entry(1, "a"), entry(2, "b"), ...told);
    expect(text("position")).toBe("entry 9 of 9");
    const said = all("entry").map((row) => words(row.querySelector(".head") ?? undefined));
    expect(said.slice(0, 7)).toEqual([
      "GitHub is not known to have done what was requested",
      "GitHub refused what was requested",
      "Re-run requested",
      "Cancellation requested",
      "Not known whether the run was begun",
      "GitHub says of the run: completed, timed_out",
      "GitHub says of the run: waiting",
    ]);
  });

  test("say of an end that no callback has told of whose word it is", async () => {
    await show(deploy(3, "c"), entry(1, "a"), entry(2, "b"), entry(3, "c", { runStatus: "completed", runConclusion: "timed_out" }));
    expect(words(all("entry")[0])).toContain("No callback has told; GitHub says of the run: completed, timed_out");
    expect(words(all("entry")[1])).not.toContain("GitHub");
  });

  test("say each by a word and an icon of whose word it is", async () => {
    const sources = ["OPERATOR", "CALLBACK", "GITHUB", "CONSOLE"] as const;
    await show(deploy(2, "b"), ...sources.map((source, index) => entry(index + 1, "b", { source })));
    expect(all("entry").map((row) => row.dataset["source"])).toEqual(sources.toReversed());
    expect(all("source").map(words)).toEqual(["Console", "GitHub", "Workflow", "Operator"]);
    expect(new Set(all("source").map((source) => source.querySelector("svg")?.innerHTML)).size).toBe(4);
  });

  test("say how far the steps are confirmed, and how far the log is known", async () => {
    await show(deploy(2, "b"), entry(1, "a"), entry(2, "b"), entry(3, "c"));
    expect(text("position")).toBe("entry 2 of 3");
    expect([modal.dataset["sequence"], modal.dataset["newest"], modal.dataset["status"]]).toEqual(["2", "3", "b"]);
    server.phaseChanged(deploy(3, "c"), entry(3, "c"));
    await pass();
    expect([text("position"), modal.dataset["status"]]).toEqual(["entry 3 of 3", "c"]);
  });

  test("are drawn a hundred at a time, for a deploy can be refused thousands of times", async () => {
    await show(deploy(2, "b"), entry(1, "a"), entry(2, "b"), ...Array.from({ length: 148 }, (_, index) => refusal(index + 3, "x")));
    expect([all("entry").length, text("older")]).toEqual([100, "Show 50 older entries"]);
    all("older")[0]?.click();
    await pass();
    expect([all("entry").length, all("older").length]).toEqual([150, 0]);
    expect((modal.shadowRoot?.activeElement as HTMLElement | null)?.dataset["sequence"]).toBe("50");
  });

  test("say which attempt each is of, once there are two, whichever it is", async () => {
    const tags = () => all("entry").map((row) => words(row.querySelector(".tag") ?? undefined));
    await show(deploy(2, "b"), entry(1, "a"), entry(2, "b"));
    expect(tags()).toEqual(["", ""]);
    server.phaseChanged(deploy(3, "a", { attempt: 2 }), entry(3, "a", { attempt: 2 }));
    server.auditEntryAdded(entry(3, "a", { attempt: 2 }), refusal(4, "c", "STALE_ATTEMPT"));
    await pass();
    expect(tags()).toEqual(["attempt 1", "attempt 2", "attempt 1", "attempt 1"]);
  });

  test("show the server's text as text", async () => {
    await show(deploy(2, "b"), entry(1, "a", { message: "<img src=x onerror=alert(1)>" }));
    expect(modal.renderRoot.querySelector("img")).toBeNull();
    expect(words(all("entry")[0])).toContain("<img src=x onerror=alert(1)>");
  });
});

test("text that runs the other way stays in its place", async () => {
  const [environment, ref, actor, message] = ["إنتاج", "ענף", "מריה", "שלום: 42 (ok)"];
  await show(deploy(1, "a", { environment, ref, startedBy: actor }), entry(1, "a", { actor, message }));
  const apart = (part: string) => words(modal.renderRoot.querySelector(`bdi[part="${part}"], [part="${part}"] bdi`) ?? undefined);
  expect(["environment", "ref", "whole-ref", "started-by"].map(apart)).toEqual([environment, ref, ref, actor]);
  expect(words(all("entry")[0]?.querySelector(".actor bdi") ?? undefined)).toBe(actor);
  expect(all("entry")[0]?.querySelector(".message")?.getAttribute("dir")).toBe("auto");
});

describe("the last accepted report", () => {
  test("is none until one was accepted, whatever was refused", async () => {
    await show(deploy(1, "a", { updatedAt: at(0) }), entry(1, "a"), refusal(2, "x"));
    expect(text("last-report")).toBe("none yet");
  });

  test("has its time, and how long ago it was", async () => {
    await show(deploy(2, "b"), entry(1, "a"), entry(2, "b"));
    expect(all("last-report")[0]?.querySelector("time")?.dateTime).toBe(at(2));
    expect(text("last-report")).toContain("28 s ago");
    expect(words(all("last-report")[0]?.previousElementSibling ?? undefined)).toBe("Last accepted report");
  });
});

describe("the run's address", () => {
  test("is a link where it is a web address", async () => {
    await show(deploy(2, "b", { runUrl: "https://github.com/acme/shop/actions/runs/9" }));
    const link = all("run")[0]?.querySelector("a");
    expect([link?.href, link?.rel]).toEqual(["https://github.com/acme/shop/actions/runs/9", "noopener noreferrer"]);
  });

  test("is text where it is anything else", async () => {
    await show(deploy(2, "b", { runUrl: "javascript:alert(1)" }));
    expect([all("run")[0]?.querySelector("a"), text("run")]).toEqual([null, "javascript:alert(1)"]);
  });
});

describe("a lost connection", () => {
  beforeEach(async () => {
    await show(deploy(2, "b"), entry(1, "a"), entry(2, "b"));
    server.accepts = false;
    server.last.drop();
    await pass();
  });

  test("is said, with the last confirmed entry and its time", () => {
    expect(modal.dataset["connection"]).toBe("lost");
    expect(text("connection")).toBe("Connection lost");
    expect(text("last-confirmed")).toMatch(/^Last confirmed: entry 2, b, recorded /);
    expect(all("last-confirmed")[0]?.querySelector("time")?.dateTime).toBe(at(2));
  });

  test("stops the running clocks, and says as of when they stand", async () => {
    const before = text("step-running");
    await pass(60_000);
    expect(text("step-running")).toBe(before);
    expect(all("step-as-of")[0]?.querySelector("time")?.dateTime).toBe(at(30));
  });

  test("leaves the steps as they were confirmed", () => {
    expect(all("step").map((step) => step.dataset["state"])).toEqual(["PASSED", "ACTIVE"]);
  });

  test("says when the next try is, and tries now when asked", async () => {
    expect(text("retry")).toMatch(/^Reconnecting: try 1 in \d+ s$/);
    server.accepts = true;
    server.log = [entry(1, "a"), entry(2, "b")];
    all("try-now")[0]?.click();
    await pass();
    expect([modal.dataset["connection"], all("lost").length]).toEqual(["live", 0]);
    expect(text("step-running")).toBe("running for 30 s");
  });
});

describe("what cannot be shown", () => {
  test("is said to be awaited, until the server has told something", async () => {
    await pass();
    expect([modal.dataset["connection"], all("waiting").length, all("step").length]).toEqual(["connecting", 1, 0]);
  });

  test("is said to be unknown, where the server knows no such deploy", async () => {
    await pass();
    server.subscription("phaseChanged").error("DEPLOY_NOT_FOUND");
    await pass();
    expect([modal.dataset["connection"], modal.dataset["failure"]]).toEqual(["closed", "DEPLOY_NOT_FOUND"]);
    expect(text("not-found")).toContain("There is no deploy with this id.");
  });

  test("is refused in the server's words, and asked for again on request", async () => {
    await pass();
    server.subscription("phaseChanged").error("FORBIDDEN");
    await pass();
    expect(text("failure")).toContain("FORBIDDEN");
    all("try-again")[0]?.click();
    await show();
    expect(modal.dataset["connection"]).toBe("live");
  });

});

describe("the live region", () => {
  test("announces a change, and nothing where nothing changed", async () => {
    await show(deploy(2, "b"), entry(1, "a"), entry(2, "b"));
    expect(text("announcer")).toBe("Status: Label of b.");
    const phases = [phase("gate", 1, "PASSED"), phase("rollout", 2, "FAILED")];
    server.phaseChanged(deploy(3, "c", { phases }), entry(3, "c"));
    await pass();
    const said = "Label of rollout: Failed. Status: Label of c.";
    expect(text("announcer")).toBe(said);
    await pass(5_000);
    expect(text("announcer")).toBe(said);
  });

  test("announces what moves nothing as well", async () => {
    await pass();
    server.phaseChanged(deploy(2, "b"), entry(2, "b"));
    server.auditEntryAdded(entry(1, "a"), entry(2, "b"));
    await pass();
    server.auditEntryAdded(aside(3, "b"));
    await pass();
    expect(text("announcer")).toBe("Entry 3: GitHub says of the run: waiting.");
  });

  test("announces a refusal, but not those that were there before", async () => {
    await pass();
    server.phaseChanged(deploy(3, "b"), entry(2, "b"));
    await pass();
    server.auditEntryAdded(entry(1, "a"), entry(2, "b"), refusal(3, "x"));
    await pass();
    expect(text("announcer")).toBe("Status: Label of b.");
    server.auditEntryAdded(refusal(4, "y"));
    await pass();
    expect(text("announcer")).toBe("Entry 4: callback refused, asked for y.");
  });
});

describe("the element", () => {
  test("draws once what arrives together, however much it is", async () => {
    await show(deploy(2, "b"), entry(1, "a"), entry(2, "b"));
    server.arrive = (deliver) => void setTimeout(deliver);
    const draw = vi.spyOn(modal as unknown as { render(): unknown }, "render");
    server.auditEntryAdded(...Array.from({ length: 50 }, (_, index) => refusal(index + 3, "x")));
    await pass();
    expect([draw.mock.calls.length, modal.dataset["sequence"]]).toEqual([1, "52"]);
  });

  test("tells the page of each change, and of nothing else", async () => {
    const told: ChangeDetail[] = [];
    document.addEventListener("phaseline-change", (event) => told.push((event as CustomEvent<ChangeDetail>).detail), { once: false });
    await show(deploy(2, "b"), entry(1, "a"), entry(2, "b"));
    await pass(10_000);
    server.auditEntryAdded(refusal(3, "x"));
    await pass();
    expect(told).toEqual([
      { deployId: "d1", status: "b", sequence: 2 },
      { deployId: "d1", status: "b", sequence: 3 },
    ]);
  });

  test("follows nothing while it is closed, and tells the page that it closed", async () => {
    const closed = vi.fn();
    modal.addEventListener("phaseline-close", closed);
    await show();
    all("close")[0]?.click();
    await pass();
    expect([modal.open, modal.hasAttribute("open"), closed.mock.calls.length]).toEqual([false, false, 1]);
    expect([modal.dataset["connection"], modal.dataset["status"]]).toEqual(["closed", undefined]);
    await pass(60_000);
    expect([server.sockets.length, server.last.readyState]).toEqual([1, 3]);
  });

  test("follows the other deploy when its id is changed", async () => {
    await show();
    modal.deployId = "d2";
    await pass();
    expect(server.subscription("phaseChanged").variables).toEqual({ deployId: "d2", after: null });
    expect(all("step")).toEqual([]);
  });

  test("takes its feed up again after it was moved in the page", async () => {
    await show();
    modal.remove();
    await pass();
    expect(modal.dataset["connection"]).toBe("closed");
    document.body.append(modal);
    await show();
    expect([modal.dataset["connection"], server.sockets.length]).toEqual(["live", 2]);
  });

  test("says the day of a time once it is no longer of today, also of a deploy that has ended", async () => {
    const failed = { key: "z", label: "Failed", outcome: "FAILED" } as const;
    await show(deploy(2, "b", { status: failed, finishedAt: at(2) }), entry(1, "a"), entry(2, "z"));
    expect(text("finished-at")).toMatch(/^\d\d:/);
    await pass(86_400_000);
    expect(text("finished-at")).toMatch(/^2\d Nov, \d\d:/);
  });

  test("can be opened and closed while it is not in the page", async () => {
    await show();
    modal.remove();
    await pass();
    modal.open = false;
    await pass();
    modal.open = true;
    await pass();
    document.body.append(modal);
    await show();
    expect([modal.open, modal.dataset["connection"]]).toEqual([true, "live"]);
  });

  test("stays open where its page has closed and opened it again at once", async () => {
    await show();
    const dialog = all("dialog")[0] as HTMLDialogElement;
    let told = () => {};
    dialog.close = () => {
      dialog.removeAttribute("open");
      told = () => void dialog.dispatchEvent(new Event("close"));
    };
    modal.open = false;
    await pass();
    modal.open = true;
    told();
    await pass();
    expect([modal.open, dialog.open]).toEqual([true, true]);
  });

  test.each(["live", "lost", "not found"])("has nothing that axe objects to: %s", async (state) => {
    await show(deploy(2, "b"), entry(1, "a"), entry(2, "b"), refusal(3, "x"));
    if (state === "lost") server.last.drop();
    if (state === "not found") server.subscription("phaseChanged").error("DEPLOY_NOT_FOUND");
    await pass();
    vi.useRealTimers();
    await expectAccessible(modal);
  });
});
