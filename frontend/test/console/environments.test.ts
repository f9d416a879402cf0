import { afterEach, beforeEach, expect, test, vi } from "vitest";
import "../../src/console/phaseline-console.ts";
import type { Console } from "../../src/console/console.ts";
import type { Environment, Identity } from "../../src/graphql/documents.ts";
import { expectAccessible } from "../accessibility.ts";
import { FakeServer } from "../fake-server.ts";
import { environment, now, operator, viewer } from "../make.ts";

let identity: Identity;
let environments: Environment[];
/** The code of the refusal to say which environments there are. */
let refusedWith: string | null;
let asked: { query: string; variables: { input?: Record<string, unknown> } }[];
let page: Console;

beforeEach(() => {
  [identity, refusedWith, asked] = [operator, null, []];
  environments = [
    environment("staging"),
    environment("production", { protected: true, refs: ["refs/heads/main", "refs/heads/v*", "refs/tags/*"], commits: true, url: "https://console.example/" }),
    environment("secret", { mayStart: false }),
  ];
  new FakeServer().install();
  vi.stubGlobal("fetch", vi.fn(answer));
});

afterEach(() => page.remove());

async function answer(_address: string, { body }: { body: string }): Promise<Response> {
  const question = JSON.parse(body) as (typeof asked)[number];
  asked.push(question);
  if (question.query.includes("query Identity")) return Response.json({ data: { identity } });
  if (question.query.includes("query EnvironmentsNow")) return Response.json({ data: { environments: environments.map(({ name }) => now(name)) } });
  if (question.query.includes("query Environments ")) {
    if (refusedWith) return Response.json({ errors: [{ message: "no", extensions: { code: refusedWith } }] }, { status: 400 });
    return Response.json({ data: { environments } });
  }
  if (question.query.includes("startDeploy")) return Response.json({ data: { startDeploy: { id: "d9" } } });
  return Response.json({ data: { deploys: { edges: [], pageInfo: { hasNextPage: false, endCursor: null } } } });
}

async function open(): Promise<void> {
  history.replaceState(null, "", "/");
  page = document.createElement("phaseline-console") as Console;
  document.body.append(page);
  await settled();
  page.renderRoot.querySelector<HTMLElement>(".start")?.click();
  await settled();
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) {
    await new Promise((resolve) => setTimeout(resolve));
    await page.updateComplete;
  }
}

const words = (element: Element | null | undefined) => element?.textContent?.replace(/\s+/g, " ").trim() ?? "";
const form = () => page.renderRoot.querySelector("phaseline-start-form")?.shadowRoot as ShadowRoot;
const field = <E extends HTMLElement = HTMLInputElement>(id: string) => form().querySelector<E>(`#${id}`);
const select = () => field<HTMLSelectElement>("environment") as HTMLSelectElement;
const button = () => form().querySelector<HTMLButtonElement>("button.primary") as HTMLButtonElement;
const A_REQUEST = expect.stringMatching(/^[0-9a-f]{32}$/);
const started = () => asked.find(({ query }) => query.includes("startDeploy"))?.variables.input;

async function choose(name: string): Promise<void> {
  select().value = name;
  select().dispatchEvent(new Event("input", { bubbles: true }));
  await settled();
}

async function submit(values: Record<string, string>): Promise<void> {
  for (const [id, value] of Object.entries(values)) (field(id) as HTMLInputElement).value = value;
  form().querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  await settled();
}

test("the environments there are stand to be chosen from, in the server's order, and none is chosen for anybody", async () => {
  await open();
  const options = [...select().options].map((option) => [words(option), option.disabled]);
  expect(options).toEqual([
    ["Choose an environment", false],
    ["staging", false],
    ["production (protected)", false],
    ["secret (you may not deploy to it)", true],
  ]);
  expect([select().value, select().required, words(field("ref-hint"))]).toEqual(["", true, "A branch, tag or commit."]);
});

test("the chosen one says what is deployed and which refs may be", async () => {
  await open();
  await choose("production");
  expect(words(field("environment-hint"))).toBe("Deploys octo-org/console. Open production.");
  expect(words(field("ref-hint"))).toBe("May be deployed: main, v*, any tag, any commit.");
  expect(field<HTMLAnchorElement>("environment-hint")?.querySelector("a")?.href).toBe("https://console.example/");
  await choose("staging");
  expect(words(field("environment-hint"))).toBe("Deploys octo-org/console.");
  expect(words(field("ref-hint"))).toBe("May be deployed: main.");
});

test("an environment that is not protected is started at once", async () => {
  await open();
  await choose("staging");
  expect(field("confirmation")).toBeNull();
  await submit({ ref: "main" });
  expect(started()).toEqual({ environment: "staging", ref: "main", note: null, requestId: A_REQUEST });
});

test("a protected one is started only by who types its name", async () => {
  await open();
  await choose("production");
  expect(words(field("confirmation-hint"))).toBe("This environment is protected: type production to confirm.");
  for (const typed of ["", "Production", "staging"]) {
    await submit({ ref: "main", confirmation: typed });
    expect(words(field("confirmation-error"))).toBe("This is not the name of production.");
    expect(field("confirmation")?.getAttribute("aria-invalid")).toBe("true");
    expect(form().activeElement?.id).toBe("confirmation");
    expect(started()).toBeUndefined();
  }
  await submit({ ref: "main", confirmation: "production" });
  expect(started()).toEqual({ environment: "production", ref: "main", note: null, requestId: A_REQUEST });
});

test("the only one that may be started is chosen, and no longer than it is the only one", async () => {
  environments = environments.map((one) => ({ ...one, mayStart: one.name === "staging" }));
  await open();
  expect([select().value, words(field("ref-hint"))]).toEqual(["staging", "May be deployed: main."]);
  await submit({ ref: "main" });
  expect(started()?.["environment"]).toBe("staging");
});

test("who may start none of them is told so", async () => {
  environments = environments.map((one) => ({ ...one, mayStart: false }));
  await open();
  expect(words(field("environment-hint"))).toBe("You may not start deploys to any of these.");
});

test("after a start the form is as it was at first", async () => {
  await open();
  await choose("production");
  await submit({ ref: "main", confirmation: "production" });
  expect([select().value, field("confirmation"), field("ref")?.value]).toEqual(["", null, ""]);
});

test.each([
  ["the server has no file", () => (environments = [])],
  ["the node is of an older version", () => (refusedWith = "GRAPHQL_VALIDATION_FAILED")],
])("where %s any environment may be named", async (_, happens) => {
  happens();
  await open();
  expect([field("environment")?.localName, button().disabled]).toEqual(["input", false]);
  await submit({ environment: "anything", ref: "x" });
  expect(started()).toEqual({ environment: "anything", ref: "x", note: null, requestId: A_REQUEST });
});

test("where it is not known which there are, that is said, nothing can be started, and it can be asked again", async () => {
  refusedWith = "UNAVAILABLE";
  await open();
  const notice = () => form().querySelector(".notice");
  expect(words(notice())).toBe("It is not known which environments there are. No. UNAVAILABLE Try again");
  expect(button().disabled).toBe(true);
  refusedWith = null;
  notice()?.querySelector("button")?.click();
  await settled();
  expect([notice(), button().disabled, select().options.length]).toEqual([null, false, 4]);
});

test("who may start nothing is not asked for", async () => {
  identity = viewer;
  await open();
  expect(asked.some(({ query }) => query.includes("query Environments "))).toBe(false);
});

test("axe objects to nothing, with a protected one chosen and its name typed wrongly", async () => {
  await open();
  await choose("production");
  await expectAccessible(page);
  await submit({ ref: "main", confirmation: "staging" });
  await expectAccessible(page);
});
