import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import "../../src/console/phaseline-console.ts";
import type { Console } from "../../src/console/console.ts";
import type { Identity } from "../../src/graphql/documents.ts";
import { expectAccessible } from "../accessibility.ts";
import { FakeServer } from "../fake-server.ts";
import { anybody, deploy, entry, nobody, operator, tool, viewer } from "../make.ts";

const TOKEN = "phl_a-token";

let identity: Identity;
let provider: { name: string } | null;
let away: boolean;
/** Why the server signs nobody in, whatever the token. */
let forbidden: string | null;
let sent: { path: string; body: unknown }[];
let sockets: FakeServer;
let page: Console;

beforeEach(() => {
  [identity, provider, away, forbidden, sent] = [nobody, null, false, null, []];
  sockets = new FakeServer().install();
  sockets.log = [entry(1, "a"), entry(2, "b")];
  sessionStorage.clear();
  vi.stubGlobal("fetch", vi.fn(answer));
});

afterEach(() => page.remove());

async function answer(address: string, { body }: { body?: string }): Promise<Response> {
  const { pathname } = new URL(address, "http://server.example");
  const content = body === undefined ? null : (JSON.parse(body) as { query?: string; token?: string });
  sent.push({ path: pathname, body: content });
  if (away) throw new TypeError("fetch failed");
  if (pathname === "/sign-in") return content ? signIn(content.token) : Response.json({ authentication: "on", provider });
  if (pathname === "/sign-out") identity = nobody;
  if (pathname !== "/graphql") return new Response(null, { status: 204 });
  if (content?.query?.includes("query Identity")) return Response.json({ data: { identity } });
  if (content?.query?.includes("query Environments")) return Response.json({ data: { environments: [] } });
  if (!identity.rights.includes("READ_DEPLOYS")) return refusal("UNAUTHENTICATED", "this needs a token; none was given", 401);
  const edges = [{ node: deploy(2, "b") }];
  return Response.json({ data: { deploys: { edges, pageInfo: { hasNextPage: false, endCursor: null } } } });
}

function signIn(token: string | undefined): Response {
  if (forbidden) return refusal("FORBIDDEN", forbidden, 403);
  if (token !== TOKEN) return refusal("UNAUTHENTICATED", "there is no such token", 401);
  identity = operator;
  return new Response(null, { status: 204 });
}

function refusal(code: string, message: string, status: number): Response {
  return Response.json({ errors: [{ message, extensions: { code } }] }, { status });
}

async function open(path = "/"): Promise<void> {
  history.replaceState(null, "", path);
  page = document.createElement("phaseline-console") as Console;
  document.body.append(page);
  await settled();
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) {
    await new Promise((resolve) => setTimeout(resolve));
    await page.updateComplete;
  }
}

const find = <E extends HTMLElement>(selector: string) => page.renderRoot.querySelector<E>(selector);
const words = (element: Element | null | undefined) => element?.textContent?.replace(/\s+/g, " ").trim() ?? "";
const form = (within = "main") => find(`${within} phaseline-sign-in`)?.shadowRoot;
const field = (within?: string) => form(within)?.querySelector("input") as HTMLInputElement;
const modal = () => find("phaseline-deploy-modal") as HTMLElement & { open: boolean };
const inModal = (part: string) => modal().shadowRoot?.querySelector<HTMLElement>(`[part="${part}"]`);
const announced = () => words(find(".frame > [role=status]"));

async function give(token: string, within?: string): Promise<void> {
  field(within).value = token;
  form(within)?.querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  await settled();
}

describe("whoever is not signed in", () => {
  test("is asked for a token, in a field that shows and keeps none, and for nothing else", async () => {
    await open();
    expect([field().type, field().autocomplete, form()?.activeElement]).toEqual(["password", "off", field()]);
    expect([find(".row"), find(".bar"), find(".start"), find("phaseline-start-form"), find(".account")]).toEqual([null, null, null, null, null]);
    expect(sent.map(({ path }) => path)).toEqual(["/graphql", "/sign-in"]);
    expect(document.title).toBe("Sign in · phaseline");
    expect(form()?.querySelector(".provider")).toBeNull();
  });

  test("sees the deploys once the token is good, and the token is gone", async () => {
    await open();
    await give(`  ${TOKEN}\n`);
    expect(sent.find(({ body, path }) => body && path === "/sign-in")?.body).toEqual({ token: TOKEN });
    expect([form(), page.renderRoot.querySelectorAll(".row").length]).toEqual([undefined, 1]);
    expect(words(find(".caller"))).toBe("Signed in as token:maria Operator");
    expect(announced()).toBe("Signed in as token:maria, Operator.");
    expect(page.shadowRoot?.innerHTML).not.toContain(TOKEN);
  });

  test("is told what is wrong with a token beside the field, until it is changed", async () => {
    await open();
    await give("phl_wrong");
    expect(words(form()?.querySelector("[role=alert]"))).toBe("There is no such token. UNAUTHENTICATED");
    expect([field().getAttribute("aria-invalid"), form()?.activeElement]).toEqual(["true", field()]);
    await expectAccessible(page);
    field().dispatchEvent(new Event("input", { bubbles: true }));
    await settled();
    expect([words(form()?.querySelector("[role=alert]")), field().getAttribute("aria-invalid")]).toEqual(["", "false"]);
  });

  test.each([
    ["this token is for programs, and not for a browser", "This token is for programs, and not for a browser. FORBIDDEN"],
    ["this came by way of a proxy that changed Host", "This came by way of a proxy that changed Host. FORBIDDEN"],
  ])("is told by the server why they may not sign in: %s", async (message, shown) => {
    await open();
    forbidden = message;
    await give(TOKEN);
    expect(words(form()?.querySelector("[role=alert]"))).toBe(shown);
  });

  test("is told that no answer came, and may try again", async () => {
    await open();
    away = true;
    await give(TOKEN);
    expect(words(form()?.querySelector("[role=alert]"))).toContain("UNREACHABLE");
    away = false;
    await give(TOKEN);
    expect(page.renderRoot.querySelectorAll(".row")).toHaveLength(1);
  });

  test("may use the provider where there is one, and comes back to the deploy that was asked for", async () => {
    provider = { name: "Example SSO" };
    await open("/deploys/d1");
    const link = form()?.querySelector<HTMLAnchorElement>(".provider");
    expect([words(link), link?.getAttribute("href")]).toEqual(["Sign in with Example SSO", "/sign-in/provider"]);
    link?.addEventListener("click", (event) => event.preventDefault());
    link?.click();
    page.remove();
    identity = operator;
    await open("/");
    expect([location.pathname, modal().open]).toEqual(["/deploys/d1", true]);
    page.remove();
    await open("/");
    expect(location.pathname).toBe("/");
  });

  test.each([
    ["FORBIDDEN", "The provider knows you, but you have no role here."],
    ["UNAVAILABLE", "The provider could not be asked."],
    ["RATE_LIMITED", "There were too many attempts. Wait ten seconds, and try again."],
    ["UNAUTHENTICATED", "The provider has not said who you are."],
    ["WRONG_VERSION", "You could not be signed in. Try again. WRONG_VERSION"],
  ])("is told once why the provider's way did not lead in: %s", async (code, said) => {
    await open(`/?sign-in=${code}`);
    expect(words(form()?.querySelector(".not-through"))).toContain(said);
    expect(location.search).toBe("");
    await give("phl_wrong");
    expect([form()?.querySelector(".not-through"), words(form()?.querySelector("[role=alert]"))]).toEqual([null, "There is no such token. UNAUTHENTICATED"]);
    page.remove();
    await open("/");
    expect(form()?.querySelector(".not-through")).toBeNull();
  });

  test("is led from a deploy's address to the sign-in, and from there to the deploy", async () => {
    await open("/deploys/d1");
    expect([modal().open, sockets.sockets.length, field()?.type]).toEqual([false, 0, "password"]);
    await give(TOKEN);
    expect([location.pathname, modal().open, modal().dataset["connection"]]).toEqual(["/deploys/d1", true, "live"]);
  });
});

describe("whoever is signed in", () => {
  test("may sign out, and nothing of what was shown stays", async () => {
    identity = operator;
    await open();
    find(".sign-out")?.click();
    await settled();
    expect(sent.some(({ path }) => path === "/sign-out")).toBe(true);
    expect([find(".row"), find(".account"), field().type, announced()]).toEqual([null, null, "password", "Signed out."]);
  });

  test("is told where signing out is not confirmed, stays, and may send it again", async () => {
    identity = operator;
    await open();
    away = true;
    find(".sign-out")?.click();
    await settled();
    const notice = "You may still be signed in: signing out is not confirmed.";
    expect(words(find("[role=alert]"))).toContain(`${notice} No answer came from the server. UNREACHABLE`);
    expect(find(".sign-out")).not.toBeNull();
    away = false;
    const elsewhere = new BroadcastChannel("phaseline-sign-in");
    const asked = sent.length;
    elsewhere.postMessage("changed");
    await vi.waitFor(() => expect(sent.length).toBeGreaterThan(asked));
    elsewhere.close();
    await settled();
    expect(words(find("[role=alert]")), "who is signed in is known, and that is not what was asked for").toContain(notice);
    const before = sent.length;
    find("main [role=alert] button")?.click();
    await settled();
    expect(sent.slice(before).map(({ path }) => path)).toContain("/sign-out");
    expect([find("main [role=alert]"), find(".account"), field().type]).toEqual([null, null, "password"]);
  });

  test("starts no deploy as a viewer", async () => {
    identity = viewer;
    await open();
    expect([page.renderRoot.querySelectorAll(".row").length, find(".start"), find("phaseline-start-form")]).toEqual([1, null, null]);
    expect(words(find(".caller"))).toBe("Signed in as token:vera Viewer");
    await expectAccessible(page);
  });

  test("is told where the deploys are not for them, and nothing is asked for", async () => {
    identity = tool;
    await open();
    expect(words(find(".forbidden"))).toContain("You may not see the deploys");
    expect(sent.map(({ path }) => path)).toEqual(["/graphql"]);
    await expectAccessible(page);
  });

  test("is offered the environments that may be deployed to, and no others", async () => {
    identity = { ...operator, environments: ["staging", "test"] };
    await open();
    const start = find("phaseline-start-form")?.shadowRoot;
    expect([...(start?.querySelectorAll("option") ?? [])].map(({ value }) => value)).toEqual(["staging", "test"]);
    expect(words(start?.querySelector("#environment-hint"))).toBe("You may deploy to: staging, test.");
    expect(start?.querySelector<HTMLInputElement>("#environment")?.value).toBe("");
  });

  test("finds the one environment filled in that may be deployed to, also the next time", async () => {
    identity = { ...operator, environments: ["staging"] };
    await open();
    const start = find("phaseline-start-form")?.shadowRoot;
    const environment = start?.querySelector<HTMLInputElement>("#environment");
    expect([environment?.value, start?.querySelector("[autofocus]")?.id]).toEqual(["staging", "ref"]);
    if (environment) environment.value = "other";
    start?.querySelector("form")?.reset();
    expect(environment?.value).toBe("staging");
  });

  test("is shown the sign-in in place of the list where a refresh finds it ended", async () => {
    identity = operator;
    await open();
    identity = nobody;
    find(".refresh")?.click();
    await settled();
    expect([find(".row"), field().type]).toEqual([null, "password"]);
  });

  test("is signed out and in here by what another tab does", async () => {
    identity = operator;
    await open();
    const elsewhere = new BroadcastChannel("phaseline-sign-in");
    for (const now of [nobody, operator]) {
      identity = now;
      elsewhere.postMessage("changed");
      await vi.waitFor(() => expect(find(".row") !== null).toBe(now === operator));
    }
    elsewhere.close();
  });
});

describe("a deploy that is watched when the sign-in ends", () => {
  const toldOf: string[] = [];

  beforeEach(async () => {
    identity = operator;
    await open("/deploys/d1");
    identity = nobody;
    toldOf.length = 0;
    page.addEventListener("phaseline-unauthenticated", ({ type }) => toldOf.push(type));
    sockets.last.drop(4403, "UNAUTHENTICATED");
    await settled();
  });

  test("tells the page once, which asks who is there, and shows the sign-in under it", async () => {
    expect(toldOf).toEqual(["phaseline-unauthenticated"]);
    expect([find(".row"), find(".account"), find(".start"), field().type]).toEqual([null, null, null, "password"]);
    expect(announced()).toBe("Signed out.");
    modal().open = false;
    await settled();
    expect([location.pathname, form()?.activeElement]).toEqual(["/", field()]);
    await give(TOKEN);
    expect(page.renderRoot.querySelectorAll(".row")).toHaveLength(1);
  });

  test("stays as it was, and a sign-in over it goes on after the last entry", async () => {
    expect([modal().open, modal().dataset["connection"], modal().dataset["sequence"]]).toEqual([true, "closed", "2"]);
    // The modal takes the place its script came from, which is none here, for another origin: there its button says "Try again".
    inModal("try-again")?.click();
    await settled();
    sockets.log?.push(entry(3, "c"));
    await give(TOKEN, "dialog.again");
    expect([modal().dataset["connection"], modal().dataset["sequence"], find("dialog.again phaseline-sign-in")]).toEqual(["live", "3", null]);
    expect(sockets.subscription("phaseChanged").variables["after"]).toBe(1);
  });
});

test("where authentication is off nobody is asked, and nobody is named", async () => {
  identity = anybody;
  await open();
  expect([page.renderRoot.querySelectorAll(".row").length, find(".account"), form()]).toEqual([1, null, undefined]);
  expect(find(".start")).not.toBeNull();
});

test("where it cannot be found out who is there, that is said, a modal tries for itself, and asking again helps", async () => {
  away = true;
  identity = operator;
  await open("/deploys/d1");
  expect(words(find("main [role=alert]"))).toContain("It could not be found out who is signed in.");
  expect([modal().open, modal().dataset["connection"], form()]).toEqual([true, "live", undefined]);
  away = false;
  find("main [role=alert] button")?.click();
  await settled();
  expect([find("main [role=alert]"), page.renderRoot.querySelectorAll(".row").length]).toEqual([null, 1]);
});
