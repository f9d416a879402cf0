import { html, nothing, type TemplateResult } from "lit";
import type { Deploy } from "../graphql/documents.ts";
import { externalIcon } from "../look/icons.ts";
import { agoInWords, inWords, secondsBetween } from "../time/durations.ts";
import { moment } from "../time/moments.ts";
import type { Now } from "./stepper.ts";

/** What else is known of the deploy: attempt, run, who started it, and when it was last heard of. */
export function facts(deploy: Deploy, now: Now): TemplateResult {
  return html`<dl class="facts" part="facts">
    <div>
      <dt>Attempt</dt>
      <dd part="attempt">${deploy.attempt}</dd>
    </div>
    <div>
      <dt>Run</dt>
      <dd part="run">${run(deploy.runUrl)} ${account(deploy)}</dd>
    </div>
    <div>
      <dt>Started by</dt>
      <dd part="started-by"><bdi>${deploy.startedBy}</bdi></dd>
    </div>
    <div>
      <dt>Started</dt>
      <dd part="started-at">${moment(deploy.startedAt)}</dd>
    </div>
    ${deploy.finishedAt ? ended(deploy.startedAt, deploy.finishedAt) : lastReport(deploy, now)}
    <div class="whole">
      <dt>Ref</dt>
      <dd part="whole-ref"><code><bdi>${deploy.ref}</bdi></code></dd>
    </div>
    ${deploy.commit
      ? html`<div class="whole">
          <dt>Commit</dt>
          <dd part="commit"><code>${deploy.commit}</code></dd>
        </div>`
      : nothing}
    <div class="whole">
      <dt>Deploy id</dt>
      <dd part="deploy-id"><code>${deploy.id}</code></dd>
    </div>
  </dl>`;
}

function ended(startedAt: string, finishedAt: string): TemplateResult {
  return html`<div>
    <dt>Ended</dt>
    <dd part="finished-at">
      ${moment(finishedAt)} <span class="aside">after ${inWords(secondsBetween(startedAt, finishedAt))}</span>
    </dd>
  </div>`;
}

function lastReport(deploy: Deploy, now: Now): TemplateResult {
  return html`<div>
    <dt>Last accepted report</dt>
    <dd part="last-report">${reported(deploy) ? since(deploy.updatedAt, now) : "none yet"}</dd>
  </div>`;
}

// A silence is a fact and may be shown. It changes nothing.
function since(updatedAt: string, now: Now): TemplateResult {
  return html`${moment(updatedAt)}
  ${now.frozen ? nothing : html`<span class="aside">${agoInWords(secondsBetween(updatedAt, now.at))}</span>`}`;
}

/** Whether a report was ever accepted: until then the deploy is as old as its start. */
export function reported({ startedAt, updatedAt }: Deploy): boolean {
  return updatedAt !== startedAt;
}

// The address comes from a workflow: `javascript:` and the like must not become something to click.
function run(runUrl: string | null): TemplateResult | string {
  if (!runUrl) return "not reported";
  if (!isWebAddress(runUrl)) return html`<bdi>${runUrl}</bdi>`;
  return html`<a href=${runUrl} target="_blank" rel="noopener noreferrer">
    Open run${externalIcon}<span class="unseen">(in a new tab)</span>
  </a>`;
}

// GitHub's own words, which say nothing of phases. Beside a run that it has ended otherwise than the log says, both can be read.
function account({ run, attempt }: Deploy): TemplateResult | typeof nothing {
  if (!run) return nothing;
  const which = run.attempt === attempt ? "" : `, attempt ${run.attempt}`;
  return html`<span class="aside" part="run-account">GitHub: ${run.conclusion ?? run.status}${which}</span>`;
}

export function isWebAddress(address: string): boolean {
  return URL.canParse(address) && ["http:", "https:"].includes(new URL(address).protocol);
}
