import type { Deploy } from "../graphql/documents.ts";
import { phaseStateWords } from "../words.ts";

/** What a screen reader is told when the deploy moved from `before` to `after`: only what changed. */
export function announcement(before: Deploy | null, after: Deploy): string {
  if (before === null) return `Status: ${after.status.label}.`;
  const states = new Map(before.phases.map((phase) => [phase.key, phase.state]));
  const phases = after.phases
    .filter((phase) => states.get(phase.key) !== phase.state)
    .map((phase) => `${phase.label}: ${phaseStateWords[phase.state]}.`);
  const attempt = before.attempt === after.attempt ? [] : [`Attempt ${after.attempt}.`];
  const status = before.status.key === after.status.key ? [] : [`Status: ${after.status.label}.`];
  return [...attempt, ...phases, ...status].join(" ");
}
