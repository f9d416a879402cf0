import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import "../../src/modal/phaseline-deploy-modal.ts";
import type { DeployModal } from "../../src/modal/deploy-modal.ts";
import { expectAccessible } from "../accessibility.ts";
import { FakeServer } from "../fake-server.ts";
import { at, entry } from "../make.ts";

const SIGNED_OUT = { code: 4403, reason: "UNAUTHENTICATED" };
const FORBIDDEN = { code: 4403, reason: "FORBIDDEN" };

let server: FakeServer;
let modal: DeployModal;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse(at(30)), toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
  server = new FakeServer().install();
  server.log = [entry(1, "a"), entry(2, "b")];
  modal = document.createElement("phaseline-deploy-modal");
  modal.endpoint = "https://server.example/graphql";
  modal.deployId = "d1";
  modal.open = true;
});

afterEach(() => {
  modal.remove();
  vi.useRealTimers();
});

async function pass(milliseconds = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
  while (modal.isUpdatePending) await vi.advanceTimersByTimeAsync(1);
}

async function show(): Promise<void> {
  document.body.append(modal);
  await pass();
}

/** The page is of the server's own origin. */
function atHome(): void {
  modal.endpoint = new URL("/graphql", location.origin === "null" ? "https://page.example" : location.origin).href;
  vi.spyOn(window.location, "origin", "get").mockReturnValue(new URL(modal.endpoint).origin);
}

const all = (part: string) => [...modal.renderRoot.querySelectorAll<HTMLElement>(`[part="${part}"]`)];
const text = (part: string) => all(part)[0]?.textContent?.replace(/\s+/g, " ").trim() ?? "";
const state = () => [modal.dataset["connection"], modal.dataset["failure"], modal.dataset["sequence"]];

describe("who watches", () => {
  test.each([
    ["a string", "Bearer phl_1"],
    ["what a function returns", () => "Bearer phl_1"],
    ["what a function promises", async () => "Bearer phl_1"],
  ])("is said in the first message: %s", async (_, authorization) => {
    modal.authorization = authorization;
    await show();
    expect([server.last.authorization, modal.dataset["connection"]]).toEqual(["Bearer phl_1", "live"]);
    expect(modal.outerHTML + modal.shadowRoot?.innerHTML).not.toContain("phl_1");
  });

  test("is left to the cookie where nothing is given", async () => {
    await show();
    expect([server.last.authorization, modal.dataset["connection"]]).toEqual([undefined, "live"]);
  });

  test("is asked anew for every connection", async () => {
    let asked = 0;
    modal.authorization = () => `Bearer phl_${++asked}`;
    await show();
    server.last.drop();
    await pass(1_000);
    expect([server.last.authorization, modal.dataset["connection"]]).toEqual(["Bearer phl_2", "live"]);
  });

  test("is asked again, after a pause, where the page could not tell", async () => {
    let knows = false;
    modal.authorization = async () => {
      if (!knows) throw new Error("our own service is away");
      return "Bearer phl_1";
    };
    await show();
    expect(modal.dataset["connection"]).toBe("lost");
    expect(text("lost")).toContain("This page could not say who is watching.");
    knows = true;
    await pass(1_000);
    expect(modal.dataset["connection"]).toBe("live");
  });
});

describe("a viewer whose sign-in is over", () => {
  beforeEach(async () => {
    atHome();
    await show();
    await pass(5_000);
    server.refuses = SIGNED_OUT;
  });

  test.each([
    ["the socket is closed", () => server.last.drop(4403, "UNAUTHENTICATED")],
    ["a subscription is refused", () => server.subscription("phaseChanged").error("UNAUTHENTICATED")],
    ["a subscription ends with an error", () => server.subscription("auditEntryAdded").next(null, "UNAUTHENTICATED")],
  ])("is told so where %s; what was shown stays, and nobody tries again", async (_, end) => {
    end();
    await pass();
    expect(state()).toEqual(["closed", "UNAUTHENTICATED", "2"]);
    expect(text("failure")).toContain("Signed out. What is shown here is no longer followed. Sign in again to go on.");
    expect(text("last-confirmed")).toMatch(/^Last confirmed: entry 2, b, recorded /);
    expect([text("connection"), text("announcer")]).toEqual(["Signed out", "Signed out. Last confirmed: entry 2."]);
    expect(text("step-as-of")).toMatch(/^as of /);
    await pass(600_000);
    expect(server.sockets).toHaveLength(1);
    vi.useRealTimers();
    await expectAccessible(modal);
  });

  test("wants to sign in, and misses nothing once the page has seen to it", async () => {
    const wanted = vi.fn((event: Event) => event.preventDefault());
    document.addEventListener("phaseline-sign-in", wanted, { once: true });
    server.last.drop(4403, "UNAUTHENTICATED");
    await pass();
    all("sign-in")[0]?.click();
    await pass(60_000);
    expect([wanted.mock.calls.length, server.sockets.length]).toEqual([1, 1]);
    server.refuses = null;
    server.log?.push(entry(3, "c"), entry(4, "d"));
    modal.reconnect();
    await pass();
    expect(server.subscription("phaseChanged").variables).toEqual({ deployId: "d1", after: 1 });
    expect(state()).toEqual(["live", undefined, "4"]);
    expect(text("announcer")).toMatch(/^Connected again\. .*Label of d\.$/);
  });

  test("is led to the server's own sign-in where the page does not see to it", async () => {
    const assign = vi.spyOn(window.location, "assign").mockImplementation(() => {});
    server.last.drop(4403, "UNAUTHENTICATED");
    await pass();
    all("sign-in")[0]?.click();
    expect(assign).toHaveBeenCalledWith("/deploys/d1");
  });
});

describe("a page of another origin", () => {
  test("is refused without a proof, and tries at once with a new one", async () => {
    server.refuses = SIGNED_OUT;
    modal.authorization = "Bearer phl_old";
    await show();
    expect(text("failure")).toContain("Not signed in. This page has to prove who you are.");
    expect([all("sign-in").length, all("try-again").length]).toEqual([0, 1]);
    server.refuses = null;
    modal.authorization = "Bearer phl_new";
    await pass();
    expect([server.last.authorization, modal.dataset["connection"]]).toEqual(["Bearer phl_new", "live"]);
  });

  test("is not too late with its proof while it is being refused without one", async () => {
    server.acknowledges = false;
    await show();
    modal.authorization = "Bearer phl_new";
    await pass();
    expect([server.sockets.length, server.last.authorization]).toEqual([1, undefined]);
    server.acknowledges = true;
    server.last.drop(4403, "UNAUTHENTICATED");
    await pass();
    expect([server.last.authorization, modal.dataset["connection"]]).toEqual(["Bearer phl_new", "live"]);
  });

  test("keeps its connection where a new proof comes in time", async () => {
    modal.authorization = "Bearer phl_old";
    await show();
    modal.authorization = "Bearer phl_new";
    await pass();
    expect([server.sockets.length, modal.dataset["connection"]]).toEqual([1, "live"]);
  });
});

describe("a viewer who may not see it", () => {
  test("is told so, and may try again without signing in", async () => {
    const wanted = vi.fn();
    document.addEventListener("phaseline-sign-in", wanted, { once: true });
    server.refuses = FORBIDDEN;
    await show();
    expect(state()).toEqual(["closed", "FORBIDDEN", undefined]);
    expect(text("failure")).toContain("You may not see this deploy. Whoever runs the server can change that.");
    expect([text("connection"), text("announcer")]).toEqual(["Not allowed", "You may not see this deploy."]);
    server.refuses = null;
    all("try-again")[0]?.click();
    await pass();
    expect([modal.dataset["connection"], wanted.mock.calls.length]).toEqual(["live", 0]);
  });

  test("is one also where the socket is closed with 4403 and other words", async () => {
    server.refuses = { code: 4403, reason: "Forbidden" };
    await show();
    expect(state()).toEqual(["closed", "FORBIDDEN", undefined]);
  });
});

test("a database that is away while it is looked up who watches is tried again", async () => {
  server.refuses = { code: 1013, reason: "UNAVAILABLE" };
  await show();
  expect([modal.dataset["connection"], text("connection")]).toEqual(["lost", "Database not answering"]);
  server.refuses = null;
  await pass(1_000);
  expect(modal.dataset["connection"]).toBe("live");
});
