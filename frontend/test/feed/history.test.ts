import { describe, expect, test } from "vitest";
import { History } from "../../src/feed/history.ts";
import { NO_FACTS, aside, at, deploy, entry, refusal } from "../make.ts";

describe("a history", () => {
  test("shows nothing before the first event", () => {
    const history = new History();
    expect(history.deploy).toBeNull();
    expect([history.confirmed, history.newest]).toEqual([0, 0]);
  });

  test("confirms the steps up to the transition they were told with, though the log is known further", () => {
    const history = new History();
    history.addTransition(deploy(2, "b"), entry(2, "b"));
    for (const known of [entry(1, "a"), entry(2, "b"), entry(3, "c")]) history.addEntry(known);
    expect([history.confirmed, history.newest]).toEqual([2, 3]);
  });

  test("extends what is confirmed over refusals that directly follow, for they change no step", () => {
    const history = new History();
    history.addTransition(deploy(2, "b"), entry(2, "b"));
    for (const known of [entry(1, "a"), entry(2, "b"), refusal(3, "x"), refusal(4, "y")]) history.addEntry(known);
    expect([history.confirmed, history.newest]).toEqual([4, 4]);
    expect(history.confirmedEntry?.kind).toBe("CALLBACK_REFUSED");
  });

  test("extends it over whatever else moves nothing", () => {
    const history = new History();
    history.addTransition(deploy(2, "b"), entry(2, "b"));
    for (const known of [entry(1, "a"), entry(2, "b"), aside(3, "b"), refusal(4, "y"), entry(5, "c")]) history.addEntry(known);
    expect([history.confirmed, history.newest]).toEqual([4, 5]);
  });

  test("knows what is beside the status as of what is confirmed, and not of a transition that the steps have not been told of", () => {
    const history = new History();
    const run = { attempt: 1, status: "waiting", conclusion: null, reportedAt: at(3) };
    history.addTransition(deploy(2, "b"), entry(2, "b"));
    history.addEntry(entry(2, "b"));
    history.addEntry(aside(3, "b", { deploy: { ...NO_FACTS, run } }));
    history.addEntry(entry(4, "c", { deploy: { ...NO_FACTS, run: { ...run, status: "completed" } } }));
    expect([history.confirmed, history.deploy?.run?.status, history.deploy?.status.key]).toEqual([3, "waiting", "b"]);
  });

  test("knows it as the deploy stands where that is further than its last transition", () => {
    const history = new History();
    const request = { kind: "CANCEL_REQUESTED", actor: "maria", reason: "wrong ref", requestedAt: at(3), failure: null, failedBy: null } as const;
    history.addTransition(deploy(4, "b", { request }), entry(2, "b"));
    for (const known of [entry(2, "b"), aside(3, "b"), aside(4, "b")]) history.addEntry(known);
    expect([history.confirmed, history.deploy?.request]).toEqual([4, request]);
  });

  test("does not extend it over a transition that the steps have not been told of", () => {
    const history = new History();
    history.addTransition(deploy(2, "b"), entry(2, "b"));
    for (const known of [entry(1, "a"), entry(2, "b"), refusal(3, "x"), entry(4, "c"), refusal(5, "y")]) history.addEntry(known);
    expect([history.confirmed, history.newest]).toEqual([3, 5]);
  });

  test("does not extend it over entries that have not arrived", () => {
    const history = new History();
    history.addTransition(deploy(2, "b"), entry(2, "b"));
    history.addEntry(refusal(4, "x"));
    expect(history.confirmed).toBe(2);
  });

  test("knows from a deploy's own sequence that there are newer entries", () => {
    const history = new History();
    history.addTransition(deploy(4, "b"), entry(2, "b"));
    expect([history.confirmed, history.newest]).toEqual([2, 4]);
  });

  test("never lets an older state replace a newer one", () => {
    const history = new History();
    history.addTransition(deploy(3, "c"), entry(3, "c"));
    expect(history.addTransition(deploy(2, "b"), entry(2, "b"))).toBe(false);
    expect(history.deploy?.status.key).toBe("c");
  });

  test("takes an entry once, however often it is sent", () => {
    const history = new History();
    expect([entry(1, "a"), entry(1, "a"), entry(2, "b")].map((sent) => history.addEntry(sent))).toEqual([true, false, true]);
    expect(history.entries).toHaveLength(2);
  });

  test("continues each stream after what that stream has brought", () => {
    const history = new History();
    history.addTransition(deploy(2, "b"), entry(2, "b"));
    for (const known of [entry(1, "a"), entry(2, "b"), refusal(3, "x")]) history.addEntry(known);
    expect([history.lastTransition, history.lastEntry]).toEqual([2, 3]);
  });
});
