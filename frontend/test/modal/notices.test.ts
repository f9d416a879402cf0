import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import "../../src/modal/phaseline-deploy-modal.ts";
import type { DeployModal } from "../../src/modal/deploy-modal.ts";
import { expectAccessible } from "../accessibility.ts";
import { FakeServer } from "../fake-server.ts";
import { at, entry, refusal } from "../make.ts";

const LOG = [entry(1, "a"), entry(2, "b")];

let server: FakeServer;
let modal: DeployModal;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse(at(30)), toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
  server = new FakeServer().install();
  server.log = [...LOG];
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

/** Loses the connection, and waits for the next. */
async function reconnected(): Promise<void> {
  server.last.drop();
  await pass(1_000);
}

const all = (part: string) => [...modal.renderRoot.querySelectorAll<HTMLElement>(`[part="${part}"]`)];
const text = (part: string) => all(part)[0]?.textContent?.replace(/\s+/g, " ").trim() ?? "";

describe("a deploy that the server no longer holds", () => {
  beforeEach(async () => {
    await show();
    await pass(5_000);
    server.log = [];
    await reconnected();
  });

  test("is said to be gone, with the last confirmed entry and its time, and announced", async () => {
    expect([modal.dataset["connection"], modal.dataset["failure"]]).toEqual(["closed", "DEPLOY_NOT_FOUND"]);
    expect(text("failure")).toContain("The server no longer holds this deploy.");
    expect(text("last-confirmed")).toMatch(/^Last confirmed: entry 2, b, recorded /);
    const times = [...(all("last-confirmed")[0]?.querySelectorAll("time") ?? [])].map(({ dateTime }) => dateTime);
    expect([times, text("last-confirmed")]).toEqual([[at(2), at(34)], expect.stringMatching(/\. Live until \d+:\d+:\d+\.$/)]);
    expect(text("announcer")).toBe("The server no longer holds this deploy. Last confirmed: entry 2.");
    expect(all("not-found")).toEqual([]);
    vi.useRealTimers();
    await expectAccessible(modal);
  });

  test("has clocks that stand at the moment when it was last confirmed", async () => {
    const before = text("step-running");
    await pass(60_000);
    expect([text("step-running"), text("step-running")]).toEqual([before, "running for 34 s"]);
    expect(all("step-as-of")[0]?.querySelector("time")?.dateTime).toBe(at(34));
  });

  test("is asked for again on request, and live once the server proves to hold it", async () => {
    server.log = [...LOG];
    all("try-again")[0]?.click();
    await pass();
    expect([modal.dataset["connection"], all("failure").length]).toEqual(["live", 0]);
    expect(text("announcer")).toBe("Connected again.");
  });
});

describe("an id that no deploy has", () => {
  test.each(["BAD_USER_INPUT", "DEPLOY_NOT_FOUND"])("is said to be unknown, and announced: %s", async (code) => {
    server.log = null;
    await show();
    server.subscription("phaseChanged").error(code, "deployId");
    await pass();
    expect(text("not-found")).toContain("There is no deploy with this id.");
    expect(text("announcer")).toBe("There is no deploy with this id.");
    expect([all("failure"), all("lost")]).toEqual([[], []]);
  });

  test("is not blamed for what the server objects to elsewhere", async () => {
    server.log = null;
    await show();
    server.subscription("phaseChanged").error("BAD_USER_INPUT", "after");
    await pass();
    expect(text("failure")).toContain("BAD_USER_INPUT");
    expect(all("not-found")).toEqual([]);
  });
});

describe("where there never was a connection", () => {
  beforeEach(() => void (server.accepts = false));

  test("none is said to be lost, and the server's allowed origins are hinted at", async () => {
    await show();
    expect(modal.dataset["connection"]).toBe("lost");
    expect(text("connection")).toBe("No connection");
    expect(text("lost")).toContain("No connection. The server could not be reached. Nothing has been received yet.");
    expect(text("lost")).not.toContain("lost");
    expect(text("origin-hint")).toContain("PHASELINE_ALLOWED_ORIGINS");
    expect(text("announcer")).toBe("No connection.");
    server.accepts = true;
    await pass(30_000);
    expect(text("announcer")).toBe("Connected. Status: Label of b.");
  });

  test("its own server is not suspected of refusing its origin", async () => {
    modal.endpoint = new URL("/graphql", location.origin === "null" ? "https://page.example" : location.origin).href;
    vi.spyOn(window.location, "origin", "get").mockReturnValue(new URL(modal.endpoint).origin);
    await show();
    expect([text("connection"), all("origin-hint")]).toEqual(["No connection", []]);
  });

  test("a server that was reached is not suspected either", async () => {
    server.accepts = true;
    server.log = null;
    await show();
    server.subscription("phaseChanged").error("UNAVAILABLE");
    await pass();
    expect([text("connection"), all("origin-hint")]).toEqual(["Database not answering", []]);
    expect(text("lost")).toContain("The database does not answer. The server is there, but cannot find out how the deploy stands now.");
    expect(text("lost")).toContain("Nothing has been received yet.");
    expect(text("announcer")).toBe("The database does not answer.");
  });
});

describe("what is the matter", () => {
  const stops = "The server is stopping, as it does for a restart or an update.";
  const slow = "The server closed it, because this page was too slow to take what it was sent. What is missing will be sent again.";

  test.each([
    [1006, "", "It broke off without a word from the server."],
    [1012, "This server is stopping: come back with `after`", stops],
    [1013, "Too slow: come back with `after`", slow],
    [4400, "said by some server", "Said by some server."],
    [4400, "", "The connection was closed."],
  ])("is said in words for people, whatever the server tells programs: %d %s", async (code, reason, why) => {
    await show();
    server.last.drop(code, reason);
    await pass();
    expect([text("connection"), text("lost")]).toEqual(["Connection lost", expect.stringContaining(`Connection lost. ${why} Last confirmed: entry 2`)]);
  });

  test("is said likewise where the server refuses to begin, because it stops", async () => {
    server.log = null;
    await show();
    server.subscription("phaseChanged").error("SERVER_STOPPING");
    await pass();
    expect(text("lost")).toContain(`No connection. ${stops}`);
  });

  test("is not the connection where the server answers that its database does not", async () => {
    await show();
    server.subscription("phaseChanged").error("UNAVAILABLE");
    await pass();
    expect([modal.dataset["connection"], text("connection")]).toEqual(["lost", "Database not answering"]);
    expect(text("lost")).toMatch(/^The database does not answer\. The server is there, but .* Last confirmed: entry 2, b, recorded /);
    expect(text("announcer")).toBe("The database does not answer. Last confirmed: entry 2.");
    vi.useRealTimers();
    await expectAccessible(modal);
  });

  test("is announced again when it turns out to be something else, and only then", async () => {
    await show();
    server.log = null;
    server.last.drop();
    await pass(1_000);
    server.subscription("phaseChanged").error("UNAVAILABLE");
    await pass();
    const away = "The database does not answer. Last confirmed: entry 2.";
    expect(text("announcer")).toBe(away);
    const announced = vi.fn();
    new MutationObserver(announced).observe(all("announcer")[0] as Node, { subtree: true, childList: true, characterData: true });
    await pass(2_000);
    server.subscription("phaseChanged").error("UNAVAILABLE");
    await pass();
    expect([server.sockets.length, text("announcer")]).toEqual([3, away]);
    expect(announced).not.toHaveBeenCalled();
  });
});

test("a connection that was there is said to be lost, without a hint", async () => {
  await show();
  server.accepts = false;
  await reconnected();
  expect([text("connection"), all("origin-hint")]).toEqual(["Connection lost", []]);
});

describe("a server that holds another history", () => {
  test.each([
    ["shorter", [entry(1, "a")], "a", "entry 1 of 1"],
    ["longer", [entry(1, "a"), entry(2, "z"), refusal(3, "y")], "z", "entry 3 of 3"],
  ])("is shown instead, which is said and announced: %s", async (_, log, status, position) => {
    await show();
    server.log = log;
    await reconnected();
    expect(text("restarted")).toContain("The server's history differs from what was shown here, which had reached entry 2.");
    expect([modal.dataset["connection"], modal.dataset["status"], text("position")]).toEqual(["live", status, position]);
    expect(text("announcer")).toBe(`Connected again. The server's history differs from what was shown here. Status: Label of ${status}.`);
  });

  test("has its refusals announced, though their sequences were told of before", async () => {
    await show();
    server.log = [entry(1, "a")];
    await reconnected();
    server.record(refusal(2, "y"));
    await pass();
    expect(text("announcer")).toBe("Entry 2: callback refused, asked for y.");
  });
});

describe("the live region", () => {
  test("announces that the connection is lost, and that it is back only when that is proven", async () => {
    await show();
    server.log = null;
    server.last.drop();
    await pass();
    const lost = "Connection lost. Last confirmed: entry 2.";
    expect(text("announcer")).toBe(lost);
    await pass(1_000);
    server.auditEntryAdded(entry(2, "b"));
    await pass();
    expect([text("announcer"), text("connection")]).toEqual([lost, "Connection lost"]);
    server.log = [...LOG];
    await reconnected();
    await pass(2_000);
    expect([text("announcer"), text("connection")]).toEqual(["Connected again.", "Live"]);
  });

  test("calls nothing refused that was accepted", async () => {
    await show();
    server.auditEntryAdded(entry(3, "c"));
    await pass();
    expect(text("announcer")).toBe("Status: Label of b.");
    server.auditEntryAdded(refusal(4, "y"), entry(5, "d"));
    await pass();
    expect(text("announcer")).toBe("Entry 4: callback refused, asked for y.");
  });
});

test("a try that is under way cannot be asked for again", async () => {
  await show();
  server.accepts = false;
  server.last.drop();
  await pass();
  const button = () => all("try-now")[0] as HTMLButtonElement;
  expect(button().disabled).toBe(false);
  Object.assign(server, { accepts: true, answers: false });
  button().click();
  await pass();
  expect([button().disabled, text("retry")]).toEqual([true, "Reconnecting: try 1 …"]);
});
