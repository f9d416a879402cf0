import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import "../../src/console/phaseline-console.ts";
import type { Console } from "../../src/console/console.ts";
import type { Deploy } from "../../src/graphql/documents.ts";
import type { GraphQLError } from "../../src/graphql/failure.ts";
import { expectAccessible } from "../accessibility.ts";
import { FakeServer } from "../fake-server.ts";
import { deploy, operator } from "../make.ts";

interface Asked {
  readonly query: string;
  readonly variables: { filter?: Record<string, unknown>; after?: string | null; first: number; input?: Record<string, unknown> };
}

let deploys: Deploy[];
let refusal: GraphQLError | null;
let refusedWith: number;
let away: boolean;
let proxied: boolean;
/** Where set, answers wait until it is told to let them go. */
let held: (() => void)[] | null;
let asked: Asked[];
let page: Console;

beforeEach(async () => {
  [refusedWith, held, proxied] = [400, null, false];
  [deploys, refusal, away, asked] = [[deploy(2, "b"), deploy(3, "c", { id: "d2", environment: "staging" })], null, false, []];
  new FakeServer().install();
  vi.stubGlobal("fetch", vi.fn(answer));
  await open("/");
});

afterEach(() => page.remove());

async function answer(_address: string, { body }: { body: string }): Promise<Response> {
  const question = JSON.parse(body) as Asked;
  if (question.query.includes("query Identity")) return Response.json({ data: { identity: operator } });
  if (question.query.includes("query Environments")) return Response.json({ data: { environments: [] } });
  asked.push(question);
  if (away) throw new TypeError("fetch failed");
  if (proxied) return new Response("<h1>Bad gateway</h1>", { status: 502 });
  if (refusal) return Response.json({ errors: [refusal] }, { status: refusedWith });
  if (question.query.includes("startDeploy")) return Response.json({ data: { startDeploy: { id: "d9" } } });
  const from = Number(question.variables.after ?? 0);
  const until = from + question.variables.first;
  const found = {
    edges: deploys.slice(from, until).map((node) => ({ node })),
    pageInfo: { hasNextPage: until < deploys.length, endCursor: String(until) },
  };
  if (held) await new Promise<void>((resolve) => held?.push(resolve));
  return Response.json({ data: { deploys: found } });
}

async function open(path: string): Promise<void> {
  page?.remove();
  history.replaceState(null, "", path);
  page = document.createElement("phaseline-console") as Console;
  document.body.append(page);
  await settled();
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setTimeout(resolve));
    await page.updateComplete;
  }
}

const find = <E extends HTMLElement>(selector: string) => page.renderRoot.querySelector<E>(selector);
const words = (element: Element | null | undefined) => element?.textContent?.replace(/\s+/g, " ").trim() ?? "";
const rows = () => [...page.renderRoot.querySelectorAll<HTMLElement>(".row")];
const modal = () => find("phaseline-deploy-modal") as HTMLElement & { open: boolean; close(): void };
const form = () => find("phaseline-start-form")?.shadowRoot as ShadowRoot;

async function release(): Promise<void> {
  for (const letGo of held?.splice(0) ?? []) letGo();
  await settled();
}

async function submit(): Promise<void> {
  form().querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  await settled();
}

describe("the list", () => {
  test("shows what one query found, and as of when", () => {
    expect(rows().map((row) => words(row.querySelector("a")))).toEqual(["production", "staging"]);
    expect(words(rows()[0])).toContain("Label of b");
    expect(words(find(".as-of"))).toMatch(/^as of \d\d:\d\d:\d\d$/);
  });

  test("changes only when it is asked for anew", async () => {
    deploys = [deploy(4, "d"), ...deploys.slice(1)];
    await settled();
    expect(words(rows()[0])).toContain("Label of b");
    find(".refresh")?.click();
    await settled();
    expect(words(rows()[0])).toContain("Label of d");
  });

  test("is asked for anew when the modal has received a change", async () => {
    const before = asked.length;
    modal().dispatchEvent(new CustomEvent("phaseline-change"));
    await settled();
    expect(asked.length).toBe(before + 1);
  });

  test("loads more by cursor, and a refresh brings back as many", async () => {
    deploys = Array.from({ length: 45 }, (_, index) => deploy(1, "a", { id: `d${index}` }));
    await open("/");
    expect(rows()).toHaveLength(20);
    find(".more")?.click();
    await settled();
    expect([rows().length, asked.at(-1)?.variables.after]).toEqual([40, "20"]);
    find(".refresh")?.click();
    await settled();
    expect(rows()).toHaveLength(40);
  });

  test("is filtered by the server", async () => {
    const bar = find<HTMLFormElement>(".bar");
    (bar?.querySelector("[name=environment]") as HTMLInputElement).value = "staging";
    (bar?.querySelector("[name=outcome]") as HTMLSelectElement).value = "FAILED";
    bar?.dispatchEvent(new Event("change"));
    await settled();
    expect(asked.at(-1)?.variables.filter).toEqual({ environment: "staging", outcome: "FAILED" });
  });

  test("is asked for once more where a refresh was wanted while one was under way", async () => {
    held = [];
    find(".refresh")?.click();
    await settled();
    deploys = [deploy(4, "d"), ...deploys.slice(1)];
    modal().dispatchEvent(new CustomEvent("phaseline-change"));
    modal().dispatchEvent(new CustomEvent("phaseline-change"));
    const before = asked.length;
    await release();
    await release();
    expect(words(rows()[0])).toContain("Label of d");
    expect(asked.length).toBe(before + 1);
  });

  test("drops the late answer to a question that was changed meanwhile", async () => {
    held = [];
    find(".refresh")?.click();
    await settled();
    const late = held;
    held = null;
    deploys = [deploy(9, "z")];
    find(".bar")?.dispatchEvent(new Event("change"));
    await settled();
    expect(rows()).toHaveLength(1);
    for (const letGo of late) letGo();
    await settled();
    expect(rows()).toHaveLength(1);
  });

  test("turns no icon of a deploy with no active phase", async () => {
    deploys = [deploy(1, "a", { phases: [] }), deploy(2, "b", { id: "d2" })];
    await open("/");
    expect(rows().map((row) => row.querySelector(".arc") !== null)).toEqual([false, true]);
  });

  test("says when a report was last accepted, or that none was", async () => {
    deploys = [deploy(1, "a", { updatedAt: deploy(1, "a").startedAt }), deploy(2, "b", { id: "d2" })];
    await open("/");
    expect(words(rows()[0]?.querySelector(".when"))).toContain("no accepted report yet");
    expect(words(rows()[1]?.querySelector(".when"))).toContain("last accepted report");
  });

  test("keeps text that runs the other way in its place", async () => {
    deploys = [deploy(1, "a", { environment: "إنتاج", ref: "ענף", startedBy: "מריה" })];
    await open("/");
    expect([...(rows()[0]?.querySelectorAll("bdi") ?? [])].map(words)).toEqual(["إنتاج", "ענף", "מריה"]);
  });

  test("says that there are no deploys", async () => {
    deploys = [];
    await open("/");
    expect(words(find(".blank"))).toContain("No deploys yet");
  });

  test("says that the server is away, keeps what it had, and tries again on request", async () => {
    away = true;
    find(".refresh")?.click();
    await settled();
    expect(words(find("[role=alert]"))).toContain("UNREACHABLE");
    expect(rows()).toHaveLength(2);
    away = false;
    find("[role=alert] button")?.click();
    await settled();
    expect(find("[role=alert]")).toBeNull();
  });
});

describe("a deploy's own address", () => {
  test("opens the modal when it is loaded directly", async () => {
    await open("/deploys/d2");
    expect([modal().open, modal().getAttribute("deploy-id")]).toEqual([true, "d2"]);
    expect(document.title).toBe("Deploy d2 · phaseline");
  });

  test("is where a row leads; closing leads back, and the row has the focus again", async () => {
    find("[data-deploy=d2]")?.click();
    await settled();
    expect([location.pathname, modal().open]).toEqual(["/deploys/d2", true]);
    modal().close();
    await settled();
    expect([location.pathname, modal().open, document.title]).toEqual(["/", false, "Deploys · phaseline"]);
    expect((page.shadowRoot?.activeElement as HTMLElement | null)?.dataset["deploy"]).toBe("d2");
  });

  test.each(["ctrlKey", "metaKey", "shiftKey", "altKey"])("is the browser's to open where the row is clicked with %s", async (key) => {
    const click = new MouseEvent("click", { bubbles: true, composed: true, cancelable: true, [key]: true });
    let claimed: boolean | undefined;
    const look = (event: Event) => {
      claimed = event.defaultPrevented;
      event.preventDefault();
    };
    page.addEventListener("click", look, { once: true });
    find("[data-deploy=d2]")?.dispatchEvent(click);
    await settled();
    expect([claimed, location.pathname, modal().open]).toEqual([false, "/", false]);
  });

  test("stays where a closing is told of late, and the modal is open again", async () => {
    await open("/deploys/d2");
    modal().dispatchEvent(new Event("phaseline-close"));
    await settled();
    expect([location.pathname, modal().open]).toEqual(["/deploys/d2", true]);
  });

  test("is followed when the browser goes back and forward", async () => {
    history.replaceState(null, "", "/deploys/d1");
    window.dispatchEvent(new Event("popstate"));
    await settled();
    expect(modal().open).toBe(true);
    history.replaceState(null, "", "/");
    window.dispatchEvent(new Event("popstate"));
    await settled();
    expect([modal().open, location.pathname]).toEqual([false, "/"]);
  });
});

describe("the start form", () => {
  beforeEach(() => {
    (form().querySelector("#environment") as HTMLInputElement).value = " staging ";
    (form().querySelector("#ref") as HTMLInputElement).value = "main";
  });

  test("starts a deploy and leads to it", async () => {
    await submit();
    const start = asked.find(({ query }) => query.includes("startDeploy"));
    expect(start?.variables.input).toEqual({ environment: "staging", ref: "main", note: null, requestId: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect([location.pathname, modal().getAttribute("deploy-id")]).toEqual(["/deploys/d9", "d9"]);
  });

  test("shows beside the field what the server objects to in it", async () => {
    refusal = { message: "ref must not be empty", extensions: { code: "BAD_USER_INPUT", field: "ref" } };
    await submit();
    expect(words(form().querySelector("#ref-error"))).toBe("Ref must not be empty. BAD_USER_INPUT");
    expect(form().querySelector("#ref")?.getAttribute("aria-invalid")).toBe("true");
    expect(form().querySelector("#ref")?.getAttribute("aria-describedby")).toContain("ref-error");
    expect(form().activeElement?.id).toBe("ref");
    expect(location.pathname).toBe("/");
  });

  test("shows any other refusal with its code", async () => {
    refusal = { message: "you may not start deploys", extensions: { code: "FORBIDDEN" } };
    await submit();
    expect(words(form().querySelector(".notice"))).toBe("The deploy was not started. You may not start deploys. FORBIDDEN");
    expect(asked.at(-1)?.query).toContain("startDeploy");
  });

  test.each([
    ["no answer came", () => (away = true), "UNREACHABLE"],
    ["a proxy answered", () => (proxied = true), "HTTP_502"],
    ["the error has no code", () => (refusal = { message: "no" }), "ERROR"],
    [
      "the server itself failed",
      () => ([refusal, refusedWith] = [{ message: "went wrong", extensions: { code: "INTERNAL_SERVER_ERROR" } }, 500]),
      "INTERNAL_SERVER_ERROR",
    ],
  ])("does not claim that nothing was started where %s, and has the list asked for anew", async (_, breaks, code) => {
    breaks();
    await submit();
    const said = words(form().querySelector(".notice"));
    expect(said).toMatch(/^It is not known whether the deploy was started. Start it again as it is: it will be one and the same. /);
    expect(said).toContain(code);
    expect(asked.slice(-2).map(({ query }) => /\w+ (\w+)/.exec(query)?.[1])).toEqual(["StartDeploy", "Deploys"]);
  });
});

test("axe objects to nothing in the start form, with an error shown", async () => {
  find(".start")?.click();
  refusal = { message: "ref must not be empty", extensions: { code: "BAD_USER_INPUT", field: "ref" } };
  await submit();
  await expectAccessible(page);
});

test.each(["/", "/deploys/d1"])("axe objects to nothing at %s", async (path) => {
  await open(path);
  await expectAccessible(page);
});
