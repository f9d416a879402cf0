import type { AuditEntry, Deploy, Environment, Identity, Phase } from "../src/graphql/documents.ts";
import type { PhaseState } from "../src/graphql/types.ts";

/** 12:00:00 and so many seconds, as the server would write it. */
export function at(seconds: number): string {
  return new Date(Date.UTC(2026, 10, 23, 12, 0, seconds)).toISOString();
}

export function entry(sequence: number, toStatus: string, more: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id: `entry-${sequence}`,
    sequence,
    kind: sequence === 1 ? "DEPLOY_STARTED" : "TRANSITION",
    fromStatus: null,
    toStatus,
    attempt: 1,
    actor: "maria",
    refusal: null,
    message: null,
    runStatus: null,
    runConclusion: null,
    recordedAt: at(sequence),
    ...more,
  };
}

export function refusal(sequence: number, toStatus: string, code = "ILLEGAL_TRANSITION"): AuditEntry {
  return entry(sequence, toStatus, { kind: "CALLBACK_REFUSED", refusal: code });
}

/** What moves nothing: what GitHub says of the run, say. */
export function aside(sequence: number, toStatus: string, more: Partial<AuditEntry> = {}): AuditEntry {
  return entry(sequence, toStatus, { kind: "RUN_REPORTED", runStatus: "waiting", ...more });
}

export function phase(key: string, position: number, state: PhaseState, more: Partial<Phase> = {}): Phase {
  return { key, label: `Label of ${key}`, position, state, attempt: null, startedAt: null, finishedAt: null, ...more };
}

export function deploy(sequence: number, status: string, more: Partial<Deploy> = {}): Deploy {
  return {
    id: "d1",
    environment: "production",
    ref: "main",
    pipeline: { name: "console" },
    status: { key: status, label: `Label of ${status}`, outcome: "IN_PROGRESS" },
    phases: [phase("gate", 1, "PASSED"), phase("rollout", 2, "ACTIVE", { startedAt: at(0), attempt: 1 })],
    attempt: 1,
    sequence,
    startedBy: "maria",
    startedAt: at(0),
    updatedAt: at(sequence),
    finishedAt: null,
    runUrl: null,
    ...more,
  };
}

export function environment(name: string, more: Partial<Environment> = {}): Environment {
  const usual = { repository: "octo-org/console", refs: ["refs/heads/main"], commits: false, protected: false, url: null, mayStart: true };
  return { name, ...usual, ...more };
}

export const operator: Identity = {
  name: "token:maria",
  role: "OPERATOR",
  proof: "SIGN_IN",
  rights: ["READ_DEPLOYS", "READ_AUDIT", "START_DEPLOYS"],
  environments: null,
  expiresAt: at(3_600),
};
export const viewer: Identity = { ...operator, name: "token:vera", role: "VIEWER", rights: ["READ_DEPLOYS", "READ_AUDIT"] };
export const tool: Identity = { ...operator, name: "token:report", role: "TOOL", rights: ["READ_AUDIT"] };
export const nobody: Identity = { name: "anonymous", role: null, proof: "NOTHING", rights: [], environments: null, expiresAt: null };
/** Whoever calls where authentication is off. */
export const anybody: Identity = { ...nobody, rights: [...operator.rights, "SEND_CALLBACKS"] };
