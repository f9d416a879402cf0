import type { Deploy, DeployBrief, DeployFacts, Environment, EnvironmentNow, Identity, Phase, Surroundings, ToldEntry } from "../src/graphql/documents.ts";
import type { PhaseState } from "../src/graphql/types.ts";

/** 12:00:00 and so many seconds, as the server would write it. */
export function at(seconds: number): string {
  return new Date(Date.UTC(2026, 10, 23, 12, 0, seconds)).toISOString();
}

/** Nothing is known beside the status. */
export const NO_FACTS: DeployFacts = { runUrl: null, run: null, request: null };

export function entry(sequence: number, toStatus: string, more: Partial<ToldEntry> = {}): ToldEntry {
  return {
    id: `entry-${sequence}`,
    sequence,
    kind: sequence === 1 ? "DEPLOY_STARTED" : "TRANSITION",
    source: sequence === 1 ? "OPERATOR" : "CALLBACK",
    fromStatus: null,
    toStatus,
    attempt: 1,
    actor: "maria",
    refusal: null,
    message: null,
    runStatus: null,
    runConclusion: null,
    recordedAt: at(sequence),
    deploy: NO_FACTS,
    ...more,
  };
}

export function refusal(sequence: number, toStatus: string, code = "ILLEGAL_TRANSITION"): ToldEntry {
  return entry(sequence, toStatus, { kind: "CALLBACK_REFUSED", refusal: code });
}

/** What moves nothing: what GitHub says of the run, say. */
export function aside(sequence: number, toStatus: string, more: Partial<ToldEntry> = {}): ToldEntry {
  return entry(sequence, toStatus, { kind: "RUN_REPORTED", source: "GITHUB", runStatus: "waiting", ...more });
}

export function phase(key: string, position: number, state: PhaseState, more: Partial<Phase> = {}): Phase {
  return { key, label: `Label of ${key}`, position, state, attempt: null, startedAt: null, finishedAt: null, ...more };
}

export function deploy(sequence: number, status: string, more: Partial<Deploy> = {}): Deploy {
  return {
    id: "d1",
    environment: "production",
    ref: "main",
    commit: null,
    pipeline: { name: "console" },
    status: { key: status, label: `Label of ${status}`, outcome: "IN_PROGRESS" },
    phases: [phase("gate", 1, "PASSED"), phase("rollout", 2, "ACTIVE", { startedAt: at(0), attempt: 1 })],
    attempt: 1,
    sequence,
    startedBy: "maria",
    startedAt: at(0),
    updatedAt: at(sequence),
    finishedAt: null,
    ...NO_FACTS,
    ...more,
  };
}

export function environment(name: string, more: Partial<Environment> = {}): Environment {
  const usual = { repository: "octo-org/console", refs: ["refs/heads/main"], commits: false, protected: false, dispatches: false, whenBusy: "REFUSE", url: null, mayStart: true };
  return { name, ...usual, ...more } as Environment;
}

/** A deploy as the environments speak of it. */
export function brief(id: string, ref: string, more: Partial<DeployBrief> = {}): DeployBrief {
  const usual = { environment: "production", commit: "1a2b3c4d5e6f7081", status: { label: "Deploying" }, startedBy: "token:zoe" };
  return { id, ref, ...usual, startedAt: at(5), finishedAt: null, ...more };
}

/** An environment where nothing was deployed and nothing goes on. */
export function now(name: string, more: Partial<EnvironmentNow> = {}): EnvironmentNow {
  return { name, inProgress: null, waiting: more.queue?.length ?? 0, queue: [], deployed: null, ...more };
}

/** What an operator is told beside the log of a deploy to production, whose run was begun by phaseline. */
export function surroundings(deploy: Partial<NonNullable<Surroundings["deploy"]>> = {}, more: Partial<Surroundings> = {}): Surroundings {
  return {
    identity: { rights: operator.rights, environments: null },
    environments: [{ name: "production", protected: false, dispatches: true }],
    deploy: { status: { outcome: "IN_PROGRESS" }, queuePosition: null, dispatch: { state: "SENT", reason: null, runId: "9" }, ...deploy },
    ...more,
  };
}

export const operator: Identity = {
  name: "token:maria",
  role: "OPERATOR",
  proof: "SIGN_IN",
  rights: ["READ_DEPLOYS", "READ_AUDIT", "START_DEPLOYS", "STEER_DEPLOYS"],
  environments: null,
  expiresAt: at(3_600),
};
export const viewer: Identity = { ...operator, name: "token:vera", role: "VIEWER", rights: ["READ_DEPLOYS", "READ_AUDIT"] };
export const tool: Identity = { ...operator, name: "token:report", role: "TOOL", rights: ["READ_AUDIT"] };
export const nobody: Identity = { name: "anonymous", role: null, proof: "NOTHING", rights: [], environments: null, expiresAt: null };
/** Whoever calls where authentication is off. */
export const anybody: Identity = { ...nobody, rights: [...operator.rights, "SEND_CALLBACKS"] };
