import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import "../../src/modal/phaseline-deploy-modal.ts";
import type { DeployModal } from "../../src/modal/deploy-modal.ts";
import type { Surroundings } from "../../src/graphql/documents.ts";
import { expectAccessible } from "../accessibility.ts";
import { FakeServer } from "../fake-server.ts";
import { aside, at, deploy, entry, NO_FACTS, surroundings, viewer } from "../make.ts";

interface Sent {
  readonly headers: Record<string, string>;
  readonly body: { readonly query: string; readonly variables: { readonly input: Record<string, unknown> } };
}

let server: FakeServer;
let modal: DeployModal;
let sent: Sent[];
/** What the next mutation is answered with, and with which HTTP status. */
let answers: { readonly status: number; readonly body: unknown };
/** Holds the answers back until it resolves. */
let slow: Promise<void> | null;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse(at(30)), toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
  server = new FakeServer().install();
  server.surroundings = surroundings();
  [sent, slow, answers] = [[], null, { status: 200, body: { data: { done: { id: "d1" } } } }];
  vi.stubGlobal("fetch", async (_: string, { headers, body }: { headers: Record<string, string>; body: string }) => {
    sent.push({ headers, body: JSON.parse(body) as Sent["body"] });
    const { body: answer, status } = answers;
    await slow;
    return Response.json(answer, { status });
  });
  modal = document.createElement("phaseline-deploy-modal");
  modal.endpoint = "https://server.example/graphql";
  modal.deployId = "d1";
  modal.open = true;
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

async function show(shown = deploy(2, "b")): Promise<void> {
  await pass();
  server.phaseChanged(shown, entry(shown.sequence, shown.status.key, { attempt: shown.attempt }));
  server.auditEntryAdded(entry(1, "a"), entry(2, shown.status.key));
  await pass();
}

function refuse(code: string, status: number, message = "no", more: Record<string, unknown> = {}): void {
  answers = { status, body: { errors: [{ message, extensions: { code, ...more } }] } };
}

const all = (part: string) => [...modal.renderRoot.querySelectorAll<HTMLElement>(`[part="${part}"]`)];
const words = (element: Element | null | undefined) => element?.textContent?.replace(/\s+/g, " ").trim() ?? "";
const text = (part: string) => words(all(part)[0]);
const buttons = () => [...(all("steering")[0]?.querySelectorAll("button") ?? [])].map(words);
const asked = () => server.sockets.flatMap(({ subscriptions }) => subscriptions).filter(({ field }) => field === "identity").length;

const confirmation = () => modal.renderRoot.querySelector("phaseline-confirmation")?.shadowRoot as ShadowRoot;
const dialog = () => confirmation().querySelector("dialog") as HTMLDialogElement;
const said = () => words(confirmation().querySelector(".notice"));

/** From now on answers are held back, until this is called. */
function hold(): () => Promise<void> {
  let release = () => {};
  slow = new Promise((resolve) => (release = resolve));
  return async () => {
    slow = null;
    release();
    await pass();
  };
}

async function ask(action: string): Promise<void> {
  all(action)[0]?.click();
  await pass();
}

async function submit(values: Record<string, string> = { reason: "wrong ref" }): Promise<void> {
  for (const [id, value] of Object.entries(values)) (confirmation().querySelector(`#${id}`) as HTMLInputElement).value = value;
  confirmation().querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  await pass();
}

describe("what is beside the status", () => {
  test("is nothing for a deploy whose run has begun, and then nobody is asked again", async () => {
    await show();
    expect([all("beside").length, asked()]).toEqual([0, 1]);
    server.auditEntryAdded(aside(3, "b"));
    await pass(60_000);
    expect(asked()).toBe(1);
  });

  test("is its place in the queue, asked for again while it waits", async () => {
    server.surroundings = surroundings({ queuePosition: 2, dispatch: { state: "WAITING", reason: null, runId: null } });
    await show();
    expect(text("queue-place")).toBe("Waits for production: 2nd in its queue. It goes on by itself when its turn has come.");
    expect([all("dispatch").length, text("announcer")]).toEqual([0, "Status: Label of b. 2nd in its queue."]);
    server.surroundings = surroundings({ queuePosition: 1, dispatch: { state: "WAITING", reason: null, runId: null } });
    await pass(12_000);
    expect(text("queue-place")).toContain("1st in its queue");
    expect(text("announcer")).toBe("1st in its queue.");
    server.surroundings = surroundings();
    await pass(12_000);
    const before = asked();
    await pass(60_000);
    expect([all("beside").length, asked()]).toEqual([0, before]);
  });

  test("is asked for at once where an entry comes while it waits", async () => {
    server.surroundings = surroundings({ dispatch: { state: "PENDING", reason: null, runId: null } });
    await show();
    expect(text("dispatch")).toBe("GitHub has not been asked for the run yet.");
    server.surroundings = surroundings();
    server.auditEntryAdded(aside(3, "b"));
    await pass();
    expect(all("beside")).toEqual([]);
  });

  test.each([
    ["PENDING", "GitHub was not reached", "GitHub has not been asked for the run yet. GitHub was not reached. It will be tried again."],
    ["SENDING", null, "GitHub is being asked for the run."],
    ["UNCLEAR", "no answer came", "It is not known whether GitHub has begun the run. No answer came. It is looked for there, and not asked for again."],
    ["REFUSED", "Workflow does not exist", "GitHub has not begun the run. Workflow does not exist."],
    ["WITHDRAWN", null, "GitHub was never asked for a run."],
  ] as const)("is what has become of asking for the run: %s", async (state, reason, shown) => {
    server.surroundings = surroundings({ dispatch: { state, reason, runId: null } });
    await show();
    expect(text("dispatch")).toBe(shown);
  });

  test.each([
    ["PENDING", null, ""],
    ["SENDING", null, "It was never learned whether GitHub has begun the run."],
    ["UNCLEAR", "no answer came", "It was never learned whether GitHub has begun the run. No answer came."],
    ["REFUSED", "Workflow does not exist", "GitHub has not begun the run. Workflow does not exist."],
  ] as const)("is not that a run is asked or looked for, where the deploy has ended, and nobody asks again: %s", async (state, reason, shown) => {
    const status = { outcome: "ABANDONED" } as const;
    server.surroundings = surroundings({ status, dispatch: { state, reason, runId: null } });
    await show(deploy(2, "x", { status: { key: "x", label: "Abandoned", ...status }, finishedAt: at(2) }));
    expect(text("dispatch")).toBe(shown);
    const before = asked();
    await pass(60_000);
    expect(asked()).toBe(before);
  });

  test("is looked at once more where an entry comes after the end: GitHub may have told of the run", async () => {
    const ended = { status: { key: "x", label: "Abandoned", outcome: "ABANDONED" } } as const;
    server.surroundings = surroundings({ ...ended, dispatch: { state: "UNCLEAR", reason: null, runId: null } });
    await show(deploy(2, "x", ended));
    server.surroundings = surroundings({ ...ended, dispatch: { state: "SENT", reason: null, runId: "9" } });
    server.auditEntryAdded(aside(3, "x"));
    await pass();
    expect(all("dispatch")).toEqual([]);
  });

  test("is GitHub's account of a run that waits, as of the newest entry", async () => {
    await show();
    const run = { attempt: 1, status: "waiting", conclusion: null, reportedAt: at(20) };
    server.auditEntryAdded(aside(3, "b", { deploy: { ...NO_FACTS, run } }));
    await pass();
    expect(text("run-waits")).toMatch(/^GitHub says of the run: waiting\. It waits for what protects it there, such as an approval\. Said \d/);
    expect(text("run-account")).toBe("GitHub: waiting");
    server.auditEntryAdded(aside(4, "b", { deploy: { ...NO_FACTS, run: { ...run, status: "in_progress" } } }));
    await pass();
    expect([all("run-waits").length, text("run-account")]).toEqual([0, "GitHub: in_progress"]);
  });

  test("is what an operator has asked GitHub for, and why GitHub has not done it, until the deploy moves", async () => {
    await show();
    const request = { kind: "CANCEL_REQUESTED", actor: "token:maria", reason: "wrong ref", requestedAt: at(20), failure: null, failedBy: null } as const;
    server.auditEntryAdded(aside(3, "b", { kind: "CANCEL_REQUESTED", deploy: { ...NO_FACTS, request } }));
    await pass();
    expect(text("request")).toMatch(/^Cancellation asked for by token:maria, .*: Wrong ref\. GitHub has not said yet that it is done\.$/);
    const failed = { ...request, failure: "the run has completed", failedBy: "GITHUB" } as const;
    server.auditEntryAdded(aside(4, "b", { kind: "REQUEST_FAILED", deploy: { ...NO_FACTS, request: failed } }));
    await pass();
    expect(text("request")).toContain("GitHub has refused it: The run has completed.");
    server.phaseChanged(deploy(5, "c"), entry(5, "c"));
    await pass();
    expect(all("request")).toEqual([]);
  });
});

describe("a request that nobody knows the end of", () => {
  const unclear = {
    kind: "CANCEL_REQUESTED", actor: "token:zoe", reason: "x", requestedAt: at(20),
    failure: "it is not known what GitHub has made of it: no answer came", failedBy: "CONSOLE",
  } as const;

  beforeEach(async () => {
    await show(deploy(2, "b", { runUrl: "https://github.com/acme/shop/actions/runs/9" }));
    const facts = { ...NO_FACTS, runUrl: "https://x.example/", request: unclear };
    server.auditEntryAdded(aside(3, "b", { kind: "REQUEST_FAILED", source: "CONSOLE", deploy: facts }));
    await pass();
  });

  test("is not said not to have been done, neither beside the status nor in the log", () => {
    expect(text("request")).toMatch(/^Cancellation asked for by token:zoe, .*: X\. GitHub is not known to have done it: It is not known what GitHub has made of it: /);
    expect(text("entry")).toContain("GitHub is not known to have done what was requested");
    expect(text("dialog")).not.toMatch(/not been done|reached GitHub/);
  });

  test("is told to whoever asks for the same", async () => {
    await ask("cancel");
    expect(words(confirmation().querySelector("#what"))).toMatch(/token:zoe has asked for it at .* already\. GitHub is not known to have done it\.$/);
  });
});

describe("the buttons", () => {
  test("are those of what can be done, and go when the connection does", async () => {
    server.surroundings = surroundings({ dispatch: null });
    await show();
    expect(buttons()).toEqual(["Abandon"]);
    server.phaseChanged(deploy(3, "c", { runUrl: "https://github.com/acme/shop/actions/runs/9" }), entry(3, "c"));
    await pass();
    expect(buttons()).toEqual(["Cancel", "Abandon"]);
    server.accepts = false;
    server.last.drop();
    await pass();
    expect(buttons()).toEqual([]);
  });

  test.each<[string, Surroundings | null]>([
    ["may only read", surroundings({}, { identity: { rights: viewer.rights, environments: null } })],
    ["is told by an older server", null],
  ])("are not there for whoever %s, and that is no trouble", async (_, known) => {
    server.surroundings = known;
    await show();
    await pass(60_000);
    expect([buttons(), modal.dataset["connection"], asked()]).toEqual([[], "live", 1]);
  });
});

describe("a confirmation", () => {
  beforeEach(async () => {
    server.surroundings = surroundings({ dispatch: { state: "SENT", reason: null, runId: "9" } });
    await show(deploy(2, "b", { runUrl: "https://github.com/acme/shop/actions/runs/9" }));
  });

  test("says what will happen, and asks for a reason before anything is sent", async () => {
    await ask("cancel");
    expect([dialog().open, words(confirmation().querySelector("#title"))]).toEqual([true, "Cancel this deploy?"]);
    expect(words(confirmation().querySelector("#what"))).toBe(
      "GitHub is asked to cancel the run. The status changes when GitHub or the workflow says so.",
    );
    await submit({ reason: "  " });
    expect(words(confirmation().querySelector("#reason-error"))).toBe("Say why.");
    expect((confirmation().activeElement as HTMLElement | null)?.id).toBe("reason");
    expect(sent).toEqual([]);
  });

  test("sends it with the reason, as whoever watches, and closes", async () => {
    const started = vi.fn();
    modal.addEventListener("phaseline-started", started);
    modal.authorization = async () => "Bearer phl_1";
    await ask("cancel");
    await submit();
    expect(sent.map(({ body }) => [/\w+ (\w+)/.exec(body.query)?.[1], body.variables.input])).toEqual([
      ["CancelDeploy", { deployId: "d1", reason: "wrong ref" }],
    ]);
    expect([sent[0]?.headers["authorization"], dialog().open]).toEqual(["Bearer phl_1", false]);
    expect((modal.shadowRoot?.activeElement as HTMLElement | null)?.id).toBe("title");
    expect([modal.dataset["status"], started.mock.calls.length]).toEqual(["b", 0]);
  });

  test("sends nothing where the page cannot say who watches", async () => {
    modal.authorization = async () => {
      throw new Error("our own service is away");
    };
    await ask("cancel");
    await submit();
    expect([sent.length, said()]).toEqual([0, "This was not done. This page could not say who is watching. NO_AUTHORIZATION"]);
  });

  test.each([
    ["GITHUB_REFUSED", 422, "This was not done. Cannot cancel. GITHUB_REFUSED"],
    ["GITHUB_UNAVAILABLE", 503, "This was not done. Cannot cancel. GITHUB_UNAVAILABLE"],
    ["ENVIRONMENT_BUSY", 409, "This was not done. Cannot cancel. ENVIRONMENT_BUSY"],
    ["NOT_POSSIBLE_NOW", 409, "This was not done. Cannot cancel. NOT_POSSIBLE_NOW"],
    ["GITHUB_UNCLEAR", 502, "It is not known whether this was done. To do it again does no harm. Cannot cancel. GITHUB_UNCLEAR"],
  ])("tells what came of it: %s", async (code, status, told) => {
    refuse(code, status, "cannot cancel");
    await ask("cancel");
    await submit();
    expect([said(), dialog().open]).toEqual([told, true]);
  });

  test("says that it was asked for before", async () => {
    const request = { kind: "CANCEL_REQUESTED", actor: "token:zoe", reason: "x", requestedAt: at(20), failure: null, failedBy: null } as const;
    server.auditEntryAdded(aside(3, "b", { kind: "CANCEL_REQUESTED", deploy: { ...NO_FACTS, runUrl: "https://x.example/", request } }));
    await pass();
    await ask("cancel");
    expect(words(confirmation().querySelector("#what"))).toMatch(/token:zoe has asked for it at .* already\.$/);
  });

  test("asks anew for the next question: what was typed and what failed were about another", async () => {
    refuse("NOT_POSSIBLE_NOW", 409);
    await ask("cancel");
    await submit();
    expect(said()).not.toBe("");
    dialog().close();
    await ask("abandon");
    expect([said(), (confirmation().querySelector("#reason") as HTMLInputElement).value]).toEqual(["", ""]);
    expect(words(confirmation().querySelector("#what"))).toContain("Nothing is stopped at GitHub");
  });

  test.each([
    ["was closed", () => modal.close(), ["d1", false]],
    ["shows another deploy", () => (modal.deployId = "d2"), ["d2", true]],
  ])("that is answered when the modal %s meanwhile calls nobody back, and starts nothing", async (_, leave, shown) => {
    const started = vi.fn();
    modal.addEventListener("phaseline-started", started);
    const answer = hold();
    await ask("cancel");
    await submit();
    leave();
    await pass();
    await answer();
    expect([modal.deployId, modal.open]).toEqual(shown);
    expect([started.mock.calls.length, modal.shadowRoot?.activeElement ?? null]).toEqual([0, null]);
  });

  test("says how the deploy stands by now, and cannot be sent where what it says does not hold any more", async () => {
    await ask("cancel");
    const about = () => words(confirmation().querySelector(".deploy"));
    server.phaseChanged(deploy(3, "c", { runUrl: "https://x.example/" }), entry(3, "c"));
    await pass();
    expect([about(), said()]).toEqual(["Deploy to production of main: Label of c", ""]);
    const over = { status: { key: "z", label: "Failed", outcome: "FAILED" }, finishedAt: at(4) } as const;
    server.phaseChanged(deploy(4, "z", over), entry(4, "z"));
    await pass();
    expect([about(), said()]).toEqual([
      "Deploy to production of main: Failed",
      "The deploy has moved on meanwhile. Close this, and look how it stands.",
    ]);
    await submit();
    expect(sent).toEqual([]);
    dialog().close();
    await ask("redeploy");
    expect([said(), (confirmation().querySelector(".primary") as HTMLButtonElement).disabled]).toEqual(["", false]);
  });

  test("cannot be sent while the connection is lost, and can when it is back", async () => {
    await ask("cancel");
    server.accepts = false;
    server.last.drop();
    await pass();
    expect(said()).toBe("The connection is lost: it is not known how the deploy stands.");
    await submit();
    expect(sent).toEqual([]);
    server.accepts = true;
    server.log = [entry(1, "a"), entry(2, "b", { deploy: { ...NO_FACTS, runUrl: "https://x.example/" } })];
    modal.reconnect();
    await pass(1_000);
    expect([modal.dataset["connection"], said()]).toEqual(["live", ""]);
  });

  test("asks to sign in where the session has ended, and keeps what was typed", async () => {
    const told: string[] = [];
    for (const name of ["phaseline-unauthenticated", "phaseline-sign-in"]) document.addEventListener(name, ({ type }) => told.push(type), { once: true });
    refuse("UNAUTHENTICATED", 401);
    await ask("cancel");
    await submit();
    expect(told).toEqual(["phaseline-unauthenticated", "phaseline-sign-in"]);
    expect([dialog().open, (confirmation().querySelector("#reason") as HTMLInputElement).value]).toEqual([true, "wrong ref"]);
  });

  test("that is opened again while it is under way waits for the answer, and sends nothing", async () => {
    const answer = hold();
    await ask("cancel");
    await submit();
    dialog().close();
    await ask("cancel");
    expect((confirmation().querySelector(".primary") as HTMLButtonElement).disabled).toBe(true);
    await submit({ reason: "another" });
    expect(sent.length).toBe(1);
    await answer();
    expect([sent.length, dialog().open]).toEqual([1, false]);
  });

  test("of something else can be sent while one is under way, whose answer leaves it as it is", async () => {
    const answer = hold();
    await ask("cancel");
    await submit();
    dialog().close();
    await ask("abandon");
    await answer();
    expect([dialog().open, words(confirmation().querySelector("#title"))]).toEqual([true, "Abandon this deploy?"]);
    await submit();
    expect(sent.length).toBe(2);
  });

  test("closes with the modal", async () => {
    await ask("cancel");
    modal.close();
    await pass();
    expect(dialog().open).toBe(false);
  });

  test("has nothing that axe objects to, also with an error", async () => {
    await ask("cancel");
    await submit({ reason: "" });
    vi.useRealTimers();
    await expectAccessible(modal);
  });
});

describe("a confirmation to cancel what was not sent", () => {
  const unsent = surroundings({ queuePosition: 1, dispatch: { state: "WAITING", reason: null, runId: null } });

  beforeEach(async () => {
    server.surroundings = unsent;
    await show();
    await ask("cancel");
  });

  test("has nothing done where it was sent meanwhile, and says so", async () => {
    const look = vi.fn();
    document.addEventListener("phaseline-look", look, { once: true });
    expect(words(confirmation().querySelector("#what"))).toBe(
      "It ends here at once, as cancelled. If GitHub has been asked for its run meanwhile, nothing is done.",
    );
    refuse("NOT_POSSIBLE_NOW", 409, "GitHub has been asked for a run of it meanwhile");
    await submit();
    expect(sent[0]?.body.variables.input).toEqual({ deployId: "d1", reason: "wrong ref", onlyUnsent: true });
    expect(said()).toBe("This was not done. The deploy has moved on meanwhile. GitHub has been asked for a run of it meanwhile. NOT_POSSIBLE_NOW");
    expect(look).toHaveBeenCalledOnce();
  });

  test("cannot be sent once it is known that it was", async () => {
    server.surroundings = surroundings();
    await pass(12_000);
    expect(said()).toContain("The deploy has moved on meanwhile");
    await submit();
    expect(sent).toEqual([]);
  });
});

describe("deploying again", () => {
  beforeEach(async () => {
    await show(deploy(2, "z", { status: { key: "z", label: "Failed", outcome: "FAILED" }, finishedAt: at(2), commit: "1a2b3c4d5e6f" }));
    answers = { status: 200, body: { data: { done: { id: "d9" } } } };
  });

  test("says what is deployed, and leads to the new deploy", async () => {
    await ask("redeploy");
    expect(words(confirmation().querySelector("#what"))).toContain("A new deploy of main, commit 1a2b3c4, to production is started.");
    await submit();
    expect(sent[0]?.body.variables.input).toEqual({ deployId: "d1", reason: "wrong ref", requestId: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(modal.deployId).toBe("d9");
  });

  test("leaves it to the page to lead there, where it wants to", async () => {
    const started = vi.fn((event: Event) => event.preventDefault());
    document.addEventListener("phaseline-started", started, { once: true });
    await ask("redeploy");
    await submit();
    expect([started.mock.calls.length, (started.mock.calls[0]?.[0] as CustomEvent).detail, modal.deployId]).toEqual([1, { deployId: "d9" }, "d1"]);
  });

  test("leads nowhere where the dialog was closed meanwhile, and has lists asked for anew", async () => {
    const [started, look] = [vi.fn(), vi.fn()];
    modal.addEventListener("phaseline-started", started);
    modal.addEventListener("phaseline-look", look);
    const answer = hold();
    await ask("redeploy");
    await submit();
    dialog().close();
    await answer();
    expect([started.mock.calls.length, look.mock.calls.length, modal.deployId]).toEqual([0, 1, "d1"]);
  });

  test("is another request when it is asked for anew, though the answer to the first was lost", async () => {
    answers = { status: 502, body: {} };
    await ask("redeploy");
    await submit();
    dialog().close();
    await ask("redeploy");
    await submit();
    const ids = sent.map(({ body }) => body.variables.input["requestId"]);
    expect([ids.length, new Set(ids).size]).toEqual([2, 2]);
  });

  test("is one request, however often it is sent from one opening of the dialog", async () => {
    answers = { status: 502, body: {} };
    await ask("redeploy");
    await submit();
    expect(said()).toContain("It is not known whether this was done. Start it again as it is: it will be one and the same.");
    await submit();
    const ids = sent.map(({ body }) => body.variables.input["requestId"]);
    expect([ids.length, new Set(ids).size]).toEqual([2, 1]);
  });
});

test("to deploy again to a protected environment takes its name", async () => {
  server.surroundings = surroundings({}, { environments: [{ name: "production", protected: true, dispatches: true }] });
  answers = { status: 200, body: { data: { done: { id: "d9" } } } };
  await show(deploy(2, "z", { status: { key: "z", label: "Failed", outcome: "FAILED" } }));
  await ask("redeploy");
  await submit({ reason: "again", name: "staging" });
  expect([words(confirmation().querySelector("#name-error")), sent.length]).toEqual(["This is not the name of production.", 0]);
  await submit({ reason: "again", name: "production" });
  expect([sent.length, modal.deployId]).toEqual([1, "d9"]);
});
