import type { ReactiveControllerHost } from "lit";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DeployFeed } from "../../src/feed/deploy-feed.ts";
import { FakeServer } from "../fake-server.ts";
import { at, deploy, entry, refusal } from "../make.ts";

const URL = "ws://server.example/graphql";
const host = (): ReactiveControllerHost => ({
  addController: () => {},
  removeController: () => {},
  requestUpdate: () => {},
  updateComplete: Promise.resolve(true),
});
const pass = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

let server: FakeServer;
let feed: DeployFeed;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  server = new FakeServer().install();
  feed = new DeployFeed(host());
  feed.hostConnected();
});

afterEach(() => {
  feed.hostDisconnected();
  vi.useRealTimers();
});

async function live(): Promise<void> {
  server.log = [entry(1, "a"), entry(2, "b"), refusal(3, "x")];
  feed.follow("d1", URL);
  await pass();
}

/** Loses the connection, and waits for the next. */
async function reconnected(): Promise<void> {
  server.last.drop();
  await pass(500);
}

describe("following a deploy", () => {
  test("asks for the deploy as it stands, and for every entry from the first", async () => {
    feed.follow("d1", URL);
    await pass();
    expect(server.subscription("phaseChanged").variables).toEqual({ deployId: "d1", after: null });
    expect(server.subscription("auditEntryAdded").variables).toEqual({ deployId: "d1", after: 0 });
  });

  test("is not live before the deploy's state has come", async () => {
    feed.follow("d1", URL);
    await pass();
    server.auditEntryAdded(entry(1, "a"));
    await pass();
    expect(feed.connection).toBe("connecting");
    server.phaseChanged(deploy(1, "a"), entry(1, "a"));
    await pass();
    expect(feed.connection).toBe("live");
  });

  test("learns the statuses' labels from the server, once", async () => {
    await live();
    server.subscription("pipeline").next({ pipeline: { statuses: [{ key: "b", label: "Bee" }] } });
    server.phaseChanged(deploy(4, "c"), entry(4, "c"));
    await pass();
    expect(feed.labels.get("b")).toBe("Bee");
    expect(server.last.subscriptions.map(({ field }) => field)).toEqual(["phaseChanged", "auditEntryAdded", "pipeline", "identity"]);
  });

  test("stays live in a long silence, which says nothing of the deploy", async () => {
    await live();
    await pass(3_600_000);
    expect([feed.connection, server.sockets.length, feed.history.deploy?.status.key]).toEqual(["live", 1, "b"]);
  });

  test("forgets one deploy when it follows another", async () => {
    await live();
    server.log = null;
    feed.follow("d2", URL);
    await pass();
    expect([feed.history.newest, feed.connection]).toEqual([0, "connecting"]);
    expect(server.subscription("phaseChanged").variables).toEqual({ deployId: "d2", after: null });
  });
});

describe("a lost connection", () => {
  test("is noticed within 10 s, though packets vanish without a word", async () => {
    await live();
    await pass(3_999);
    server.answers = false;
    await pass(10_000);
    expect(feed.connection).toBe("lost");
  });

  test("keeps what was confirmed, and when the server was last heard", async () => {
    await live();
    const heard = feed.heardAt;
    await pass(1_000);
    server.last.drop();
    await pass();
    expect([feed.connection, feed.history.confirmed, feed.heardAt]).toEqual(["lost", 3, heard]);
  });

  test("continues each stream with the last entry received, so that the server sends it again", async () => {
    await live();
    await reconnected();
    expect(server.subscription("phaseChanged").variables).toEqual({ deployId: "d1", after: 1 });
    expect(server.subscription("auditEntryAdded").variables).toEqual({ deployId: "d1", after: 2 });
    expect(server.subscription("deploy").variables).toEqual({ id: "d1" });
    expect(feed.connection).toBe("live");
  });

  test("brings what was recorded meanwhile, and nothing twice", async () => {
    await live();
    server.log?.push(entry(4, "c"), refusal(5, "y"));
    await reconnected();
    expect(feed.history.entries.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
    expect([feed.connection, feed.history.deploy?.status.key, feed.history.confirmed]).toEqual(["live", "c", 5]);
    expect(feed.restartedFrom).toBeNull();
  });

  test("continues with what came since, when it is lost again", async () => {
    await live();
    await reconnected();
    server.record(entry(4, "d"));
    await pass();
    server.last.drop();
    await pass(1_000);
    expect(server.sockets).toHaveLength(3);
    expect(server.subscription("phaseChanged").variables).toEqual({ deployId: "d1", after: 3 });
  });

  test("is tried for ever, with pauses that grow to half a minute", async () => {
    await live();
    server.accepts = false;
    server.last.drop();
    await pass(3_600_000);
    const times = server.sockets.slice(1).map((socket) => socket.openedAt);
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(pauses.slice(0, 6)).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    expect(pauses.length).toBeGreaterThan(200);
    server.accepts = true;
    await pass(15_000);
    expect(feed.connection).toBe("live");
  });

  test.each([
    ["closes its sockets", () => server.last.drop(1012)],
    ["refuses to begin", () => server.subscription("phaseChanged").error("SERVER_STOPPING")],
  ])("is tried elsewhere at once where the server stops, and once only: it %s", async (_, stop) => {
    await live();
    vi.spyOn(Math, "random").mockReturnValue(0.99);
    stop();
    await pass();
    expect([feed.connection, server.sockets.length]).toEqual(["lost", 1]);
    await pass(500);
    expect([feed.connection, server.sockets.length]).toEqual(["live", 2]);
    stop();
    await pass(1_900);
    expect(server.sockets).toHaveLength(2);
    await pass(100);
    expect([feed.connection, server.sockets.length]).toEqual(["live", 3]);
  });

  test("grows its pauses too where the server accepts and dies at once", async () => {
    await live();
    for (let times = 0; times < 4; times++) {
      server.last.drop();
      await pass();
      await pass(feed.retry?.at ? feed.retry.at - Date.now() : 0);
    }
    server.last.drop();
    await pass();
    expect(feed.retry?.attempt).toBe(5);
  });

  test.each([
    [9_900, 2],
    [10_100, 1],
  ])("counts from the first pause again only once a connection has held: %i ms, try %i", async (held, attempt) => {
    await live();
    await reconnected();
    await pass(held);
    server.last.drop();
    await pass();
    expect(feed.retry?.attempt).toBe(attempt);
  });

  test("gives a connection up that is never acknowledged, and leaves no socket behind", async () => {
    server.answers = false;
    feed.follow("d1", URL);
    await pass(9_000);
    expect(feed.connection).toBe("lost");
    expect(server.sockets.length).toBeGreaterThan(1);
    expect(server.sockets[0]?.readyState).toBe(3);
  });

  test("leaves no socket behind that was not acknowledged yet, when nobody follows any more", async () => {
    server.answers = false;
    feed.follow("d1", URL);
    await pass();
    feed.unfollow();
    await pass();
    expect(server.sockets.map(({ readyState }) => readyState)).toEqual([3]);
  });

  test("leaves no socket behind that fell silent", async () => {
    await live();
    server.answers = false;
    await pass(10_000);
    expect(server.sockets[0]?.readyState).toBe(3);
  });

  test("gives up a server that acknowledges and tells nothing", async () => {
    feed.follow("d1", URL);
    await pass(14_900);
    expect([feed.connection, server.sockets.length]).toEqual(["connecting", 1]);
    await pass(200);
    expect([feed.connection, feed.failure?.code]).toEqual(["lost", "SILENT"]);
  });

  test("gives up a server that answers pings and never acknowledges", async () => {
    await live();
    server.acknowledges = false;
    server.last.drop();
    await pass(30_000);
    expect(feed.connection).toBe("lost");
    server.acknowledges = true;
    await pass(30_000);
    expect(feed.connection).toBe("live");
  });

  test("is tried at once on request, and when the computer is online again", async () => {
    await live();
    server.accepts = false;
    server.last.drop();
    await pass(20_000);
    server.accepts = true;
    const before = server.sockets.length;
    feed.tryNow();
    await pass();
    expect([feed.connection, server.sockets.length]).toEqual(["live", before + 1]);

    window.dispatchEvent(new Event("offline"));
    expect(feed.connection).toBe("lost");
    window.dispatchEvent(new Event("online"));
    await pass();
    expect([feed.connection, server.sockets.length]).toEqual(["live", before + 2]);
  });

  test("is what it is when the server ends one of the two streams", async () => {
    await live();
    server.subscription("phaseChanged").complete();
    await pass();
    expect(feed.connection).toBe("lost");
  });

  test("is what it is when the server refuses for now", async () => {
    await live();
    server.subscription("auditEntryAdded").error("UNAVAILABLE");
    await pass();
    expect([feed.connection, feed.failure?.code]).toEqual(["lost", "UNAVAILABLE"]);
  });
});

describe("an end", () => {
  test("of an unknown deploy is final: nobody asks again", async () => {
    feed.follow("d1", URL);
    await pass();
    server.subscription("phaseChanged").error("DEPLOY_NOT_FOUND");
    await pass(600_000);
    expect([feed.connection, feed.failure?.code, server.sockets.length]).toEqual(["closed", "DEPLOY_NOT_FOUND", 1]);
  });

  test("of an id that no deploy can have is final too", async () => {
    feed.follow("d".repeat(65), URL);
    await pass();
    server.subscription("phaseChanged").error("BAD_USER_INPUT");
    await pass(600_000);
    expect([feed.connection, feed.failure?.code, server.sockets.length]).toEqual(["closed", "BAD_USER_INPUT", 1]);
  });

  test.each(["phaseChanged", "auditEntryAdded", "deploy"])("of a deploy that is gone keeps what was confirmed, and asks again on request: %s", async (field) => {
    await live();
    const heard = feed.heardAt;
    server.log = null;
    await reconnected();
    if (field === "deploy") server.subscription("deploy").next({ deploy: null });
    else server.subscription(field).error("DEPLOY_NOT_FOUND");
    await pass(600_000);
    expect([feed.connection, feed.failure?.code, server.sockets.length]).toEqual(["closed", "DEPLOY_NOT_FOUND", 2]);
    expect([feed.history.confirmed, feed.heardAt]).toEqual([3, heard]);
    server.log = [entry(1, "a"), entry(2, "b"), refusal(3, "x")];
    feed.tryNow();
    await pass();
    expect([feed.connection, feed.restartedFrom]).toEqual(["live", null]);
  });

  test("leaves no listener on the page", () => {
    const added = vi.spyOn(window, "addEventListener");
    const removed = vi.spyOn(window, "removeEventListener");
    const other = new DeployFeed(host());
    other.hostConnected();
    other.hostDisconnected();
    expect(added.mock.calls).toHaveLength(2);
    expect(removed.mock.calls).toEqual(added.mock.calls);
  });

  test("comes when nobody follows any more: no socket stays, and none is opened", async () => {
    await live();
    feed.unfollow();
    await pass(600_000);
    expect([feed.connection, server.sockets.length, server.last.readyState]).toEqual(["closed", 1, 3]);
  });
});

describe("a reconnection", () => {
  beforeEach(async () => {
    await live();
    server.log = null;
    await pass(5_000);
  });

  // What each has to bring before the server is known to hold what is shown.
  const proofs: Record<string, () => void> = {
    phaseChanged: () => server.phaseChanged(deploy(2, "b"), entry(2, "b")),
    auditEntryAdded: () => server.auditEntryAdded(refusal(3, "x")),
    deploy: () => server.subscription("deploy").next({ deploy: { sequence: 3 } }),
  };

  test.each(Object.keys(proofs))("is not live while this has not come: %s", async (missing) => {
    const heard = feed.heardAt;
    await reconnected();
    for (const [field, prove] of Object.entries(proofs)) if (field !== missing) prove();
    await pass(5_000);
    expect([feed.connection, feed.heardAt]).toEqual(["lost", heard]);
    proofs[missing]?.();
    await pass();
    expect([feed.connection, feed.heardAt]).toEqual(["live", Date.now()]);
  });

  test("is tried again where the server does not prove what it holds", async () => {
    await reconnected();
    proofs["phaseChanged"]?.();
    await pass(14_900);
    expect(feed.retry).toEqual({ attempt: 1, at: null });
    await pass(200);
    expect(feed.retry?.attempt).toBe(2);
  });

  test("is tried again where the server cannot say how far it reaches", async () => {
    await reconnected();
    server.subscription("deploy").error("UNAVAILABLE");
    await pass();
    expect([feed.connection, feed.failure?.code, feed.retry?.attempt]).toEqual(["lost", "UNAVAILABLE", 2]);
  });

  test("takes no null beside an error for a deploy that is gone", async () => {
    await reconnected();
    server.subscription("deploy").next({ deploy: null }, "UNAVAILABLE");
    await pass();
    expect([feed.connection, feed.failure?.code]).toEqual(["lost", "UNAVAILABLE"]);
  });
});

describe("a server whose history differs from what was shown", () => {
  beforeEach(live);

  const log = [entry(1, "a"), entry(2, "b"), refusal(3, "x")];
  const later = { recordedAt: at(99) };

  test.each([
    ["shorter by one", log.slice(0, 2)],
    ["shorter by two", log.slice(0, 1)],
    ["of the same length, its last entry another one", [...log.slice(0, 2), refusal(3, "y")]],
    ["of the same length, its last entry recorded at another time", [...log.slice(0, 2), { ...refusal(3, "x"), ...later }]],
    ["of the same length, its last entry of another attempt", [...log.slice(0, 2), { ...refusal(3, "x"), attempt: 2 }]],
    ["of the same length, its last entry of another kind", [...log.slice(0, 2), entry(3, "x")]],
    ["longer", [entry(1, "a"), refusal(2, "z"), entry(3, "c", later), entry(4, "d", later)]],
    ["longer, and moved by no entry", [entry(1, "a"), refusal(2, "z"), refusal(3, "z"), refusal(4, "z")]],
  ])("is believed: what was shown is dropped, and it is asked afresh, saying so: %s", async (_, other) => {
    server.log = other;
    await reconnected();
    expect([feed.connection, feed.restartedFrom]).toEqual(["live", 3]);
    expect(feed.history.entries).toEqual(other);
    expect(feed.history.deploy?.status.key).toBe(other.findLast(({ kind }) => kind !== "CALLBACK_REFUSED")?.toStatus);
    expect(server.subscription("phaseChanged").variables).toEqual({ deployId: "d1", after: null });
  });

  test("is noticed by the entry that only one stream had told of", async () => {
    server.phaseChanged(deploy(4, "c"), entry(4, "c"));
    await pass();
    server.log = [...log, refusal(4, "q"), refusal(5, "q")];
    await reconnected();
    expect([feed.connection, feed.restartedFrom, feed.history.deploy?.status.key]).toEqual(["live", 4, "b"]);
  });

  test("is noticed where a stream does not begin with the entry it had reached", async () => {
    server.log = null;
    await reconnected();
    server.phaseChanged(deploy(4, "c"), entry(4, "c"));
    await pass();
    expect([feed.connection, feed.restartedFrom]).toEqual(["connecting", 3]);
  });

  test("is the same one though its entries have other ids", async () => {
    server.log = log.map((same) => ({ ...same, id: `restored-${same.id}` }));
    await reconnected();
    expect([feed.connection, feed.restartedFrom]).toEqual(["live", null]);
  });

  test("leaves one socket, however it was noticed", async () => {
    server.log = log.slice(0, 2);
    await reconnected();
    await pass(60_000);
    expect(server.sockets.filter(({ readyState }) => readyState === 1)).toHaveLength(1);
    expect(server.sockets).toHaveLength(3);
  });
});
