import type { ReactiveControllerHost } from "lit";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DeployFeed } from "../../src/feed/deploy-feed.ts";
import { FakeServer } from "../fake-server.ts";
import { deploy, entry, refusal } from "../make.ts";

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
  feed.follow("d1", URL);
  await pass();
  server.phaseChanged(deploy(2, "b"), entry(2, "b"));
  server.auditEntryAdded(entry(1, "a"), entry(2, "b"), refusal(3, "x"));
  await pass();
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
    expect(server.last.subscriptions.map(({ field }) => field)).toEqual(["phaseChanged", "auditEntryAdded", "pipeline"]);
  });

  test("stays live in a long silence, which says nothing of the deploy", async () => {
    await live();
    await pass(3_600_000);
    expect([feed.connection, server.sockets.length, feed.history.deploy?.status.key]).toEqual(["live", 1, "b"]);
  });

  test("forgets one deploy when it follows another", async () => {
    await live();
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

  test("continues each stream after its last received sequence", async () => {
    await live();
    server.last.drop();
    await pass(500);
    expect(server.subscription("phaseChanged").variables).toEqual({ deployId: "d1", after: 2 });
    expect(server.subscription("auditEntryAdded").variables).toEqual({ deployId: "d1", after: 3 });
    expect(feed.connection).toBe("live");
  });

  test("continues after what came since, when it is lost again", async () => {
    await live();
    server.last.drop();
    await pass(500);
    server.phaseChanged(deploy(5, "d"), entry(5, "d"));
    await pass();
    server.last.drop();
    await pass(2_000);
    expect(server.sockets).toHaveLength(3);
    expect(server.subscription("phaseChanged").variables).toEqual({ deployId: "d1", after: 5 });
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

  test("counts from the first pause again once a connection has held", async () => {
    await live();
    server.last.drop();
    await pass(500);
    await pass(11_000);
    server.last.drop();
    await pass();
    expect(feed.retry?.attempt).toBe(1);
  });

  test("gives a connection up that is never acknowledged", async () => {
    server.answers = false;
    feed.follow("d1", URL);
    await pass(9_000);
    expect(feed.connection).toBe("lost");
    expect(server.sockets.length).toBeGreaterThan(1);
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

  test("comes when nobody follows any more: no socket stays, and none is opened", async () => {
    await live();
    feed.unfollow();
    await pass(600_000);
    expect([feed.connection, server.sockets.length, server.last.readyState]).toEqual(["closed", 1, 3]);
  });
});

describe("a server whose history is shorter than what was shown", () => {
  test("is believed: what was shown is dropped, and it is asked afresh, saying so", async () => {
    await live();
    server.last.drop();
    await pass(500);
    server.subscription("auditEntryAdded").error("AFTER_AHEAD");
    await pass();
    expect([feed.history.deploy, feed.restartedFrom, feed.connection]).toEqual([null, 3, "connecting"]);
    expect(server.subscription("phaseChanged").variables).toEqual({ deployId: "d1", after: null });
    server.phaseChanged(deploy(1, "a"), entry(1, "a"));
    await pass();
    expect([feed.history.deploy?.status.key, feed.restartedFrom]).toEqual(["a", 3]);
  });
});
