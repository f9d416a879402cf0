import { describe, expect, test } from "vitest";
import type { Deploy, Surroundings } from "../../src/graphql/documents.ts";
import type { DeployOutcome, DispatchState } from "../../src/graphql/types.ts";
import { actionsFor, actionWord } from "../../src/steering/actions.ts";
import { deploy, surroundings, viewer } from "../make.ts";

const RUN = { attempt: 1, status: "in_progress", conclusion: null, reportedAt: "2026-11-23T12:00:00Z" };

function standing(outcome: DeployOutcome, more: Partial<Deploy> = {}): Deploy {
  return deploy(2, "b", { status: { key: "b", label: "B", outcome }, ...more });
}

function dispatched(state: DispatchState, runId: string | null = null, queuePosition: number | null = null): Surroundings {
  return surroundings({ queuePosition, dispatch: { state, reason: null, runId } });
}

describe("what may be done", () => {
  test.each([
    ["waits in a queue", "IN_PROGRESS", dispatched("WAITING", null, 2), ["cancel"]],
    ["was not sent yet", "IN_PROGRESS", dispatched("PENDING"), ["cancel"]],
    ["is being sent", "IN_PROGRESS", dispatched("SENDING"), ["abandon"]],
    ["may have a run, and nobody knows", "IN_PROGRESS", dispatched("UNCLEAR"), ["abandon"]],
    ["has a run", "IN_PROGRESS", dispatched("SENT", "9"), ["cancel", "abandon"]],
    ["has failed", "FAILED", dispatched("SENT", "9"), ["rerun", "redeploy"]],
    ["was cancelled", "CANCELLED", dispatched("SENT", "9"), ["rerun", "redeploy"]],
    ["was cancelled before it was sent", "CANCELLED", dispatched("WITHDRAWN"), ["redeploy"]],
    ["was refused by GitHub", "FAILED", dispatched("REFUSED"), ["redeploy"]],
    ["has succeeded", "SUCCEEDED", dispatched("SENT", "9"), ["redeploy"]],
    ["was abandoned", "ABANDONED", dispatched("SENT", "9"), ["redeploy"]],
  ] as const)("about a deploy that %s", (_, outcome, known, actions) => {
    expect(actionsFor(standing(outcome), known)).toEqual(actions);
  });

  test.each([
    ["GitHub has told of it", { run: RUN }],
    ["its workflow has", { runUrl: "https://github.com/acme/shop/actions/runs/9" }],
  ])("with a run that somebody else has begun, where %s", (_, facts) => {
    const known = surroundings({ dispatch: null });
    expect(actionsFor(standing("IN_PROGRESS", facts), known)).toEqual(["cancel", "abandon"]);
    expect(actionsFor(standing("FAILED", facts), known)).toEqual(["rerun", "redeploy"]);
  });

  test("is nothing that GitHub would have to do, where this server does not call it", () => {
    const known = surroundings({ dispatch: null }, { environments: [{ name: "production", protected: false, dispatches: false }] });
    expect(actionsFor(standing("IN_PROGRESS", { run: RUN }), known)).toEqual(["abandon"]);
    expect(actionsFor(standing("FAILED", { run: RUN }), known)).toEqual(["redeploy"]);
  });

  test("is no new deploy to an environment that there is none of", () => {
    const known = surroundings({ dispatch: null }, { environments: [] });
    expect(actionsFor(standing("IN_PROGRESS"), known)).toEqual(["abandon"]);
    expect(actionsFor(standing("FAILED"), known)).toEqual([]);
  });

  test.each([
    ["may not steer deploys", { rights: viewer.rights, environments: null }],
    ["may steer others", { rights: ["STEER_DEPLOYS"], environments: ["staging"] }],
    ["may steer none", { rights: ["STEER_DEPLOYS"], environments: [] }],
  ] as const)("is nothing for whoever %s", (_, identity) => {
    const known = surroundings({}, { identity });
    expect(actionsFor(standing("IN_PROGRESS"), known)).toEqual([]);
    expect(actionsFor(standing("FAILED"), known)).toEqual([]);
  });

  test("is all of it for whoever may steer deploys to this environment", () => {
    const known = surroundings({}, { identity: { rights: ["STEER_DEPLOYS"], environments: ["production"] } });
    expect(actionsFor(standing("IN_PROGRESS"), known)).toEqual(["cancel", "abandon"]);
  });
});

test("of a run that was cancelled all jobs are run again, of one that failed those that did", () => {
  expect([actionWord("rerun", "CANCELLED"), actionWord("rerun", "FAILED")]).toEqual(["Re-run all jobs", "Re-run failed jobs"]);
});
