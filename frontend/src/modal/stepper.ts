import { html, nothing, type TemplateResult } from "lit";
import type { Deploy, Phase } from "../graphql/documents.ts";
import { phaseIcons } from "../look/icons.ts";
import { inWords, secondsBetween } from "../time/durations.ts";
import { moment } from "../time/moments.ts";
import { phaseStateWords } from "../words.ts";

/** The time that running clocks show: the present, or while nothing is heard, the moment the server was last heard. */
export interface Now {
  readonly at: number;
  readonly frozen: boolean;
}

/** The phases of a deploy as the server tells them: whichever there are, in its order, with its labels. */
export function stepper(deploy: Deploy, now: Now): TemplateResult {
  const phases = deploy.phases.toSorted((a, b) => a.position - b.position);
  return html`<ol class="stepper" part="stepper" role="list" aria-label="Phases">
    ${phases.map((phase) => step(phase, deploy, now))}
  </ol>`;
}

function step(phase: Phase, deploy: Deploy, now: Now): TemplateResult {
  return html`<li
    class="step"
    part="step"
    data-phase=${phase.key}
    data-state=${phase.state}
    data-attempt=${phase.attempt ?? nothing}
    aria-current=${phase.state === "ACTIVE" ? "step" : nothing}
  >
    <span class="mark">${phaseIcons[phase.state] ?? nothing}</span>
    <span class="line"></span>
    <div class="told">
      <span class="label" part="step-label">${phase.label}</span>
      <span class="state" part="step-state">${phaseStateWords[phase.state] ?? phase.state}</span>
      ${times(phase, now)}
      ${phase.attempt !== null && phase.attempt !== deploy.attempt
        ? html`<span part="step-attempt">in attempt ${phase.attempt}</span>`
        : nothing}
    </div>
  </li>`;
}

// Only what was reported. A phase may have ended without ever having reported its beginning, and the other way round.
function times(phase: Phase, now: Now): TemplateResult {
  const { state, startedAt, finishedAt } = phase;
  return html`
    ${startedAt ? html`<span part="step-began">began ${moment(startedAt)}</span>` : nothing}
    ${finishedAt && !startedAt ? html`<span part="step-ended">ended ${moment(finishedAt)}</span>` : nothing}
    ${finishedAt && !startedAt ? html`<span>beginning not reported</span>` : nothing}
    ${startedAt && finishedAt
      ? html`<span part="step-took">took ${inWords(secondsBetween(startedAt, finishedAt))}</span>`
      : nothing}
    ${state === "ACTIVE" && startedAt ? running(startedAt, now) : nothing}
    ${state === "NOT_REPORTED" ? html`<span>${startedAt ? "ending never reported" : "no accepted report"}</span>` : nothing}
  `;
}

function running(startedAt: string, now: Now): TemplateResult {
  return html`<span class="running" part="step-running">running for ${inWords(secondsBetween(startedAt, now.at))}</span>
    ${now.frozen ? html`<span part="step-as-of">as of ${moment(now.at)}</span>` : nothing}`;
}
