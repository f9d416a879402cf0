import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Deploy } from "../graphql/documents.ts";
import { standingIcon } from "../look/icons.ts";
import { inWords, secondsBetween } from "../time/durations.ts";
import { moment } from "../time/moments.ts";
import { reported } from "../modal/facts.ts";
import { outcomeWords } from "../words.ts";
import { pathOf } from "../routes.ts";

/** The list's rows. Each holds one link, to the deploy's own address, that reaches over the whole row. */
export function deployRows(deploys: readonly Deploy[], open: (event: Event, deployId: string) => void): TemplateResult {
  return html`<ol class="rows" role="list" aria-label="Deploys, newest first">
    ${repeat(
      deploys,
      (deploy) => deploy.id,
      (deploy) => row(deploy, open),
    )}
  </ol>`;
}

function row(deploy: Deploy, open: (event: Event, deployId: string) => void): TemplateResult {
  const { status } = deploy;
  const outcome = outcomeWords[status.outcome];
  return html`<li class="row" data-outcome=${status.outcome} data-status=${status.key}>
    <div class="what">
      <a href=${pathOf(deploy.id)} data-deploy=${deploy.id} @click=${(event: Event) => open(event, deploy.id)}
        ><bdi>${deploy.environment}</bdi></a
      >
      <code><bdi>${deploy.ref}</bdi></code>
    </div>
    <div class="status">
      <span class="pill">${standingIcon(deploy)}<span>${status.label}</span></span>
      ${outcome === status.label ? nothing : html`<span class="unseen">${outcome}</span>`}
      ${pending(deploy)} ${deploy.attempt > 1 ? html`<span class="aside">attempt ${deploy.attempt}</span>` : nothing}
    </div>
    <div class="who"><span class="unseen">started by</span> <bdi>${deploy.startedBy}</bdi></div>
    <div class="when">
      <span><span class="unseen">started</span> ${moment(deploy.startedAt)}</span>
      ${deploy.finishedAt
        ? html`<span class="aside">ended after ${inWords(secondsBetween(deploy.startedAt, deploy.finishedAt))}</span>`
        : html`<span class="aside">${lastReport(deploy)}</span>`}
    </div>
  </li>`;
}

// What an operator has asked GitHub for, and nothing has come of yet.
function pending({ request }: Deploy): TemplateResult | typeof nothing {
  if (!request || request.failure !== null) return nothing;
  return html`<span class="aside">${request.kind === "CANCEL_REQUESTED" ? "cancellation" : "re-run"} asked for</span>`;
}

function lastReport(deploy: Deploy): TemplateResult | string {
  return reported(deploy) ? html`last accepted report ${moment(deploy.updatedAt)}` : "no accepted report yet";
}
