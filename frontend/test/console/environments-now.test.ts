import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import "../../src/console/phaseline-console.ts";
import type { Console } from "../../src/console/console.ts";
import type { Comparison, Environment, EnvironmentNow, Identity, RefSuggestion } from "../../src/graphql/documents.ts";
import { expectAccessible } from "../accessibility.ts";
import { FakeServer } from "../fake-server.ts";
import { at, brief, environment, now, operator, viewer } from "../make.ts";

interface Asked {
  readonly query: string;
  readonly variables: Record<string, unknown> & { readonly input?: Record<string, unknown> };
}

const BUSY = now("production", {
  inProgress: { since: at(5), deploy: brief("d1", "v1.2") },
  queue: [brief("d2", "v1.3", { startedBy: "token:maria", commit: null }), brief("d3", "main")],
  deployed: brief("d0", "v1.1", { finishedAt: at(1) }),
});

let identity: Identity;
let environments: Environment[];
let standing: EnvironmentNow[];
let suggestions: RefSuggestion[];
let comparison: Comparison | null;
/** What is refused, by a part of its document, and the error. */
let refusals: Record<string, { status: number; code: string; more?: Record<string, unknown> }>;
let asked: Asked[];
let page: Console;

beforeEach(() => {
  [identity, refusals, asked] = [operator, {}, []];
  environments = [environment("production", { dispatches: true, whenBusy: "WAIT", refs: ["refs/heads/*"] }), environment("staging")];
  standing = [BUSY, now("staging")];
  suggestions = [{ name: "main", commit: "1a2b3c4d5e" }, { name: "maintenance", commit: null }];
  comparison = { status: "ahead", ahead: 12, behind: 0, url: "https://github.com/octo-org/console/compare/a...b" };
  new FakeServer().install();
  vi.stubGlobal("fetch", vi.fn(answer));
});

afterEach(() => page.remove());

async function answer(_address: string, { body }: { body: string }): Promise<Response> {
  const question = JSON.parse(body) as Asked;
  asked.push(question);
  const name = /\w+ (\w+)/.exec(question.query)?.[1] ?? "";
  const refusal = refusals[name];
  if (refusal) {
    const { status, code, more } = refusal;
    return Response.json({ errors: [{ message: "no", extensions: { code, ...more } }] }, { status });
  }
  return Response.json({ data: dataOf(name) });
}

function dataOf(name: string): unknown {
  switch (name) {
    case "Identity":
      return { identity };
    case "Environments":
      return { environments };
    case "EnvironmentsNow":
      return { environments: standing };
    case "RefSuggestions":
      return { environment: { refSuggestions: suggestions } };
    case "Comparison":
      return { environment: { comparison } };
    case "StartDeploy":
      return { startDeploy: { id: "d9" } };
    case "CancelDeploy":
      return { done: { id: "d2" } };
    default:
      return { deploys: { edges: [], pageInfo: { hasNextPage: false, endCursor: null } } };
  }
}

async function open(): Promise<void> {
  history.replaceState(null, "", "/");
  page = document.createElement("phaseline-console") as Console;
  document.body.append(page);
  await settled();
}

async function openForm(): Promise<void> {
  await open();
  find(".start")?.click();
  await settled();
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) {
    await new Promise((resolve) => setTimeout(resolve));
    await page.updateComplete;
  }
}

const words = (element: Element | null | undefined) => element?.textContent?.replace(/\s+/g, " ").trim() ?? "";
const find = <E extends HTMLElement>(selector: string) => page.renderRoot.querySelector<E>(selector);
const form = () => find("phaseline-start-form")?.shadowRoot as ShadowRoot;
const confirmation = () => find("phaseline-confirmation")?.shadowRoot as ShadowRoot;
const times = (name: string) => asked.filter(({ query }) => query.includes(` ${name}`)).length;
const lastOf = (name: string) => asked.findLast(({ query }) => query.includes(` ${name}`))?.variables;

async function choose(name: string): Promise<void> {
  const select = form().querySelector("#environment") as HTMLSelectElement;
  select.value = name;
  select.dispatchEvent(new Event("input", { bubbles: true }));
  await settled();
}

async function type(ref: string): Promise<void> {
  const field = form().querySelector("#ref") as HTMLInputElement;
  field.value = ref;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  await new Promise((resolve) => setTimeout(resolve, 700));
  await settled();
}

async function submit(): Promise<void> {
  form().querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  await settled();
}

describe("the environments", () => {
  test("show what has succeeded last, what is in progress, and what waits, in order", async () => {
    await open();
    const row = find("[data-environment=production]");
    expect(words(row?.querySelector(".deployed"))).toMatch(/^Succeeded last v1\.1 1a2b3c4 /);
    expect(words(row?.querySelector(".in-progress"))).toMatch(/^In progress v1\.2 1a2b3c4 Deploying, by token:zoe, since /);
    const waiting = [...(row?.querySelectorAll("[data-waiting]") ?? [])].map((one) => words(one));
    expect(waiting).toEqual([expect.stringMatching(/^1st v1\.3 waits, by token:maria, since .* Cancel$/), expect.stringMatching(/^2nd main 1a2b3c4 waits/)]);
    expect(words(find("[data-environment=staging]"))).toBe("staging Succeeded last nothing yet In progress nothing");
    expect(words(find(".environments .section-top"))).toMatch(/^Environments as of \d\d:\d\d:\d\d$/);
  });

  test("say how many wait that are not listed, and count them for whoever comes next", async () => {
    standing = [{ ...BUSY, waiting: 61 }, now("staging")];
    await openForm();
    expect(words(find("[data-environment=production] .queue > :last-child"))).toBe("and 59 more");
    await choose("production");
    expect(words(form().querySelector(".outlook"))).toBe("A deploy that is started now waits, 62nd in the queue.");
  });

  test("are asked for once more, and no oftener, where they change while they are asked for", async () => {
    await open();
    const before = times("EnvironmentsNow");
    for (let change = 0; change < 5; change++) find("phaseline-deploy-modal")?.dispatchEvent(new CustomEvent("phaseline-change"));
    await settled();
    expect(times("EnvironmentsNow")).toBe(before + 2);
  });

  test("are not there where the server names none, or is an older one", async () => {
    standing = [];
    await open();
    expect(find(".environments")).toBeNull();
    page.remove();
    refusals = { EnvironmentsNow: { status: 400, code: "GRAPHQL_VALIDATION_FAILED" } };
    await open();
    expect([find(".environments"), find("[role=alert]")]).toEqual([null, null]);
  });

  test("are asked for anew together with the list", async () => {
    await open();
    const before = times("EnvironmentsNow");
    standing = [now("production"), now("staging")];
    find(".refresh")?.click();
    await settled();
    find("phaseline-deploy-modal")?.dispatchEvent(new CustomEvent("phaseline-change"));
    await settled();
    expect(times("EnvironmentsNow")).toBe(before + 2);
    expect(find("[data-waiting]")).toBeNull();
  });

  test("say that it is not known what is in progress, and keep what they had", async () => {
    await open();
    refusals = { EnvironmentsNow: { status: 503, code: "UNAVAILABLE" } };
    find(".refresh")?.click();
    await settled();
    expect(words(find(".environments [role=alert]"))).toBe("It is not known what is in progress. No. UNAVAILABLE");
    expect(find("[data-waiting=d2]")).not.toBeNull();
  });

  test("lead to the deploys that they name", async () => {
    await open();
    find("[data-environment=production] .in-progress a")?.click();
    await settled();
    expect(location.pathname).toBe("/deploys/d1");
  });

  test("fold up those where nothing goes on, where there are many", async () => {
    standing = [...Array.from({ length: 7 }, (_, index) => now(`env-${index}`)), BUSY];
    await open();
    expect(words(find(".quiet summary"))).toBe("7 environments with nothing in progress");
    expect(find(".environments > .list [data-environment]")?.dataset["environment"]).toBe("production");
  });

  test("let a deploy that waits be cancelled, with a reason, and are asked for anew", async () => {
    await open();
    find("[data-waiting=d2] button")?.click();
    await settled();
    expect(words(confirmation().querySelector("#what"))).toBe("It ends here at once, as cancelled. If GitHub has been asked for its run meanwhile, nothing is done.");
    (confirmation().querySelector("#reason") as HTMLInputElement).value = "not needed";
    const before = times("EnvironmentsNow");
    confirmation().querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    await settled();
    expect(lastOf("CancelDeploy")).toEqual({ input: { deployId: "d2", reason: "not needed", onlyUnsent: true } });
    expect(times("EnvironmentsNow")).toBe(before + 1);
    expect([(page.shadowRoot?.activeElement as HTMLElement | null)?.id, words(find("[aria-live]"))]).toEqual(["environments-title", "The deploy is cancelled."]);
  });

  test("say that a deploy has left its queue while somebody was asked whether to cancel it", async () => {
    await open();
    find("[data-waiting=d2] button")?.click();
    await settled();
    refusals = { CancelDeploy: { status: 409, code: "NOT_POSSIBLE_NOW" } };
    standing = [now("production", { inProgress: { since: at(9), deploy: brief("d2", "v1.3") } }), now("staging")];
    (confirmation().querySelector("#reason") as HTMLInputElement).value = "not needed";
    confirmation().querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    await settled();
    const said = () => [...confirmation().querySelectorAll(".notice")].map(words);
    expect(said()).toEqual(["This was not done. The deploy has moved on meanwhile. No. NOT_POSSIBLE_NOW"]);
    expect(confirmation().querySelector<HTMLButtonElement>(".primary")?.disabled).toBe(true);
    confirmation().querySelector("form")?.dispatchEvent(new Event("input", { bubbles: true }));
    await settled();
    expect(said()).toEqual(["The deploy has moved on meanwhile. Close this, and look how it stands."]);
    expect([find("[data-waiting]"), words(find("[data-environment=production] .in-progress"))]).toEqual([null, expect.stringMatching(/^In progress v1\.3/)]);
  });

  test("let whoever is signed out meanwhile sign in, over the question", async () => {
    await open();
    find("[data-waiting=d2] button")?.click();
    await settled();
    refusals = { CancelDeploy: { status: 401, code: "UNAUTHENTICATED" } };
    (confirmation().querySelector("#reason") as HTMLInputElement).value = "not needed";
    confirmation().querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    await settled();
    expect([find<HTMLDialogElement>("dialog.again")?.open, confirmation().querySelector("dialog")?.open]).toEqual([true, true]);
  });

  test.each([
    ["may only read", viewer],
    ["may steer deploys to others", { ...operator, environments: ["staging"] }],
  ])("let nobody cancel who %s", async (_, caller) => {
    identity = caller;
    await open();
    expect([find("[data-waiting=d2]") !== null, find("[data-waiting] button")]).toEqual([true, null]);
  });

  test("are forgotten when somebody signs out", async () => {
    await open();
    identity = { ...operator, proof: "NOTHING", rights: [], role: null };
    find("phaseline-deploy-modal")?.dispatchEvent(new CustomEvent("phaseline-unauthenticated"));
    await settled();
    expect(find(".environments")).toBeNull();
  });

  test("have nothing that axe objects to", async () => {
    await open();
    await expectAccessible(page);
  });
});

describe("the start form", () => {
  test("says below the environment what has succeeded last, what is in progress, and that a start waits", async () => {
    await openForm();
    await choose("production");
    const said = words(form().querySelector(".standing"));
    expect(said).toMatch(/^Succeeded last: v1\.1 1a2b3c4, .* In progress: v1\.2 1a2b3c4, by token:zoe, since /);
    expect(words(form().querySelector(".outlook"))).toBe("A deploy that is started now waits, 3rd in the queue.");
  });

  test("says that a start has to wait for the end of the other, where none is queued", async () => {
    environments = [environment("production"), environment("staging")];
    await openForm();
    await choose("production");
    expect(words(form().querySelector(".outlook"))).toBe("A deploy can be started when that one has ended.");
    await choose("staging");
    expect(words(form().querySelector(".standing"))).toBe("Succeeded last: nothing yet In progress: nothing");
  });

  test("says that it is not known how the environment stands now, of when what it says is, and foretells nothing", async () => {
    await openForm();
    refusals = { EnvironmentsNow: { status: 503, code: "UNAVAILABLE" } };
    await choose("production");
    expect(words(form().querySelector(".standing"))).toMatch(/ In progress: v1\.2 .*How it stands now is not known\. No\. UNAVAILABLE$/);
    expect(words(form().querySelector(".standing"))).not.toContain("queue");
    expect(words(form().querySelector(".standing-as-of"))).toMatch(/^as of \d\d:\d\d:\d\d$/);
  });

  test("compares anew when it is opened anew", async () => {
    await openForm();
    await choose("production");
    await type("main");
    form().querySelector("dialog")?.close();
    comparison = { status: "ahead", ahead: 13, behind: 0, url: "https://github.com/octo-org/console/compare/a...c" };
    find(".start")?.click();
    await settled();
    expect(words(form().querySelector("#ref-changes"))).toMatch(/: 13 commits ahead/);
  });

  test("shows a deploy that it names above itself, and keeps what was typed", async () => {
    await openForm();
    await choose("production");
    await type("topic");
    form().querySelector<HTMLElement>(".standing a")?.click();
    await settled();
    expect([location.pathname, form().querySelector("dialog")?.open]).toEqual(["/deploys/d0", true]);
    expect((form().querySelector("#ref") as HTMLInputElement).value).toBe("topic");
  });

  test("suggests refs as one types, and asks once where somebody types on", async () => {
    await openForm();
    await choose("production");
    const field = form().querySelector("#ref") as HTMLInputElement;
    const before = times("RefSuggestions");
    for (const typed of ["m", "ma", "mai"]) {
      field.value = typed;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    await settled();
    expect([times("RefSuggestions"), lastOf("RefSuggestions")]).toEqual([before + 1, { environment: "production", prefix: "mai" }]);
    expect(field.getAttribute("list")).toBe("refs");
    expect([...form().querySelectorAll<HTMLOptionElement>("#refs option")].map(({ value }) => value)).toEqual(["main", "maintenance"]);
  });

  test("says what would change, of the ref that is typed and of no other", async () => {
    await openForm();
    await choose("production");
    await type("main");
    const changes = () => form().querySelector("#ref-changes");
    expect(words(changes())).toBe("Against what succeeded last: 12 commits ahead, 0 behind. See what would change(in a new tab)");
    expect(changes()?.querySelector("a")?.href).toBe("https://github.com/octo-org/console/compare/a...b");
    const field = form().querySelector("#ref") as HTMLInputElement;
    field.value = "topic";
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await settled();
    expect(words(changes())).toBe("");
    comparison = { status: "identical", ahead: 0, behind: 0, url: "https://github.com/x" };
    await type("refs/heads/maintenance");
    expect(words(changes())).toBe("The same commit as what succeeded last.");
  });

  test("compares nothing but what GitHub has, and whole commits where they may be deployed", async () => {
    environments = [environment("production", { dispatches: true, commits: true }), environment("staging", { dispatches: true })];
    await openForm();
    await choose("production");
    for (const typed of ["mai", "topic", "1a2b3c4"]) await type(typed);
    expect(times("Comparison")).toBe(0);
    await type("1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d");
    expect(times("Comparison")).toBe(1);
    await choose("staging");
    await settled();
    expect(times("Comparison")).toBe(1);
  });

  test.each(["RefSuggestions", "Comparison"])("works as well where GitHub tells nothing: %s", async (name) => {
    refusals = { [name]: { status: 503, code: "GITHUB_UNAVAILABLE" } };
    await openForm();
    await choose("production");
    await type("main");
    expect(form().querySelector(".notice")).toBeNull();
    expect(words(form().querySelector("#ref-changes"))).toBe("What would change is not known: No. GITHUB_UNAVAILABLE");
    await submit();
    expect(lastOf("StartDeploy")?.input).toMatchObject({ environment: "production", ref: "main" });
  });

  test("asks GitHub nothing where this server does not call it", async () => {
    await openForm();
    await choose("staging");
    await type("main");
    expect([times("RefSuggestions"), times("Comparison")]).toEqual([0, 0]);
  });

  test("names whose hands the environment is in, with a link, and asks anew how it stands", async () => {
    refusals = { StartDeploy: { status: 409, code: "ENVIRONMENT_BUSY", more: { deployId: "d1", ref: "v1.2", startedBy: "token:zoe", since: at(5) } } };
    await openForm();
    await choose("production");
    await type("main");
    const before = times("EnvironmentsNow");
    await submit();
    const notice = form().querySelector(".notice");
    expect(words(notice)).toMatch(/^The deploy was not started\. Another deploy is in progress: v1\.2, started by token:zoe, since .*\. Show that deploy\.$/);
    expect(times("EnvironmentsNow")).toBe(before + 1);
    notice?.querySelector("a")?.click();
    await settled();
    expect(location.pathname).toBe("/deploys/d1");
  });

  test("is one request, however often it is sent as it is, and another with other content", async () => {
    refusals = { StartDeploy: { status: 502, code: "GITHUB_UNCLEAR" } };
    await openForm();
    await choose("production");
    await type("main");
    await submit();
    await submit();
    await type("topic");
    await submit();
    const ids = asked.filter(({ query }) => query.includes("StartDeploy")).map(({ variables }) => variables.input?.["requestId"]);
    expect([ids.length, ids[0] === ids[1], ids[1] === ids[2]]).toEqual([3, true, false]);
  });

  test("is another request when it is opened anew, though the answer to the first was lost", async () => {
    refusals = { StartDeploy: { status: 502, code: "GITHUB_UNCLEAR" } };
    await openForm();
    await choose("production");
    await type("main");
    await submit();
    form().querySelector("dialog")?.close();
    find(".start")?.click();
    await settled();
    await submit();
    const sent = asked.filter(({ query }) => query.includes("StartDeploy")).map(({ variables }) => variables.input ?? {});
    expect([sent.length, sent[0]?.["ref"] === sent[1]?.["ref"], sent[0]?.["requestId"] === sent[1]?.["requestId"]]).toEqual([2, true, false]);
  });

  test("has nothing that axe objects to, with all of it shown", async () => {
    await openForm();
    await choose("production");
    await type("main");
    await expectAccessible(page);
  });
});
