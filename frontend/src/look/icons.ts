import { html, svg, type SVGTemplateResult, type TemplateResult } from "lit";
import type { Deploy } from "../graphql/documents.ts";
import type { DeployOutcome, EntrySource, PhaseState } from "../graphql/types.ts";

// Every icon stands beside its word, and so is hidden from assistive technology. Each differs in shape, not in colour alone.
export function icon(name: string, drawing: SVGTemplateResult): TemplateResult {
  return html`<svg class="icon ${name}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${drawing}</svg>`;
}

const tick = icon("passed", svg`<path d="m5.5 12.5 4.5 4.5 8.5-9.5" />`);
const cross = icon("failed", svg`<path d="m7 7 10 10M17 7 7 17" />`);
const slash = icon("cancelled", svg`<path d="M6 12h12" />`);
const flag = icon("abandoned", svg`<path d="M7 19.5v-15h10.5l-3 4 3 4H7" />`);
const arc = icon("active", svg`<circle class="track" cx="12" cy="12" r="7.5" /><path class="arc" d="M12 4.5a7.5 7.5 0 0 1 7.5 7.5" />`);
const disc = icon("active", svg`<circle class="solid" cx="12" cy="12" r="4.5" />`);
const still = icon("still", svg`<circle cx="12" cy="12" r="7.5" /><circle class="solid" cx="12" cy="12" r="2.2" />`);
const dot = icon("pending", svg`<circle class="solid" cx="12" cy="12" r="2.5" />`);
const gap = icon("not-reported", svg`<path d="M9 9.3a3 3 0 1 1 4.6 2.6c-1 .6-1.6 1.2-1.6 2.4" /><circle class="solid" cx="12" cy="17.8" r="1.2" />`);

export const phaseIcons: Record<PhaseState, TemplateResult> = {
  PENDING: dot,
  ACTIVE: disc,
  PASSED: tick,
  FAILED: cross,
  CANCELLED: slash,
  NOT_REPORTED: gap,
};

const outcomeIcons: Record<DeployOutcome, TemplateResult> = {
  IN_PROGRESS: arc,
  SUCCEEDED: tick,
  FAILED: cross,
  CANCELLED: slash,
  ABANDONED: flag,
};

/** The icon of how a deploy stands. It turns only while a phase is said to be active: a queued deploy does nothing yet. */
export function standingIcon({ status, phases }: Deploy): TemplateResult {
  if (status.outcome !== "IN_PROGRESS" || phases.some(({ state }) => state === "ACTIVE")) return outcomeIcons[status.outcome];
  return still;
}

// A workflow runs, GitHub keeps branches, an operator is a person, and the console a prompt.
const person = icon("operator", svg`<circle cx="12" cy="8.2" r="3.7" /><path d="M5 19.5c.6-4 3.3-5.8 7-5.8s6.4 1.8 7 5.8" />`);
export const sourceIcons: Record<EntrySource, TemplateResult> = {
  CALLBACK: icon("workflow", svg`<path d="M8 5.5v13l10.5-6.5z" />`),
  GITHUB: icon("github", svg`<circle cx="7.5" cy="6" r="2.2" /><circle cx="7.5" cy="18" r="2.2" /><circle cx="16.5" cy="8" r="2.2" /><path d="M7.5 8.2v7.6M16.5 10.200c0 4-5 2.6-8.4 5.8" />`),
  OPERATOR: person,
  CONSOLE: icon("console", svg`<path d="m5 7.5 4.5 4.5L5 16.5M12.5 17H19" />`),
};

export const operatorIcon = person;
export const unknownIcon = gap;
export const waitIcon = icon("wait", svg`<circle cx="12" cy="12" r="8.5" /><path d="M12 7v5.3l3.4 2" />`);
export const refusalIcon = icon("refusal", svg`<circle cx="12" cy="12" r="8" /><path d="m6.5 6.5 11 11" />`);
export const closeIcon = cross;
export const brokenIcon = icon("broken", svg`<path d="M12 4 2.8 20h18.4zM12 10v4.5" /><circle class="solid" cx="12" cy="17.3" r="1" />`);
export const noteIcon = icon("note", svg`<circle cx="12" cy="12" r="8.5" /><path d="M12 11.2v5" /><circle class="solid" cx="12" cy="8" r="1.1" />`);
export const externalIcon = icon("external", svg`<path d="M13.5 5H19v5.5M19 5l-8.5 8.5M10 6H5v13h13v-5" />`);
