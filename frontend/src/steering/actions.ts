import type { Deploy, Surroundings } from "../graphql/documents.ts";
import type { DeployOutcome } from "../graphql/types.ts";
import type { Subject } from "./subject.ts";

/** What an operator may do about a deploy that has been started. */
export type Action = "cancel" | "rerun" | "redeploy" | "abandon";

/** Whether nothing was sent to GitHub for the deploy yet, so that it can still be taken back here. */
export function isUnsent({ deploy }: Surroundings): boolean {
  const state = deploy?.dispatch?.state;
  return deploy?.queuePosition != null || state === "WAITING" || state === "PENDING";
}

/** Whether this caller may do anything about deploys to this environment. */
export function maySteer({ rights, environments }: Surroundings["identity"], environment: string): boolean {
  return rights.includes("STEER_DEPLOYS") && (environments?.includes(environment) ?? true);
}

/** What this caller may do about the deploy as it stands, as far as is known here: the server decides. */
export function actionsFor(deploy: Deploy, surroundings: Surroundings): Action[] {
  const { identity, environments } = surroundings;
  const { environment, status } = deploy;
  if (!maySteer(identity, environment)) return [];
  const known = environments.find(({ name }) => name === environment);
  const hasRun = deploy.run !== null || deploy.runUrl !== null || surroundings.deploy?.dispatch?.runId != null;
  const reachable = known?.dispatches === true && hasRun;
  switch (status.outcome) {
    case "IN_PROGRESS":
      return isUnsent(surroundings) ? ["cancel"] : reachable ? ["cancel", "abandon"] : ["abandon"];
    case "FAILED":
    case "CANCELLED":
      return [...(reachable ? (["rerun"] as const) : []), ...(known ? (["redeploy"] as const) : [])];
    default:
      return known ? ["redeploy"] : [];
  }
}

/** Whether what somebody is asked to confirm can still be done, and would still do what they were told. */
export function stillHolds(subject: Subject, deploy: Deploy, surroundings: Surroundings | null): boolean {
  if (!surroundings || !actionsFor(deploy, surroundings).includes(subject.action)) return false;
  const { attempt, outcome, unsent } = subject;
  return attempt === deploy.attempt && outcome === deploy.status.outcome && unsent === isUnsent(surroundings);
}

const WORDS: Record<Action, string> = {
  cancel: "Cancel",
  rerun: "Re-run failed jobs",
  redeploy: "Deploy again",
  abandon: "Abandon",
};

/** What its button is called. Of a run that was cancelled GitHub runs all jobs again: none has failed. */
export function actionWord(action: Action, outcome: DeployOutcome): string {
  return action === "rerun" && outcome === "CANCELLED" ? "Re-run all jobs" : WORDS[action];
}
