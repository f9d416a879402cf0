import { html, nothing, type TemplateResult } from "lit";
import type { Environment, EnvironmentNow } from "../graphql/documents.ts";
import { moment } from "../time/moments.ts";
import { ordinal } from "../words.ts";
import { whatLink, type ShowDeploy } from "./deploy-link.ts";

/** How the chosen environment stands, and what would become of a start: below the field that it is chosen in. */
export function environmentStanding(chosen: Environment | null, now: EnvironmentNow | null, show: ShowDeploy): TemplateResult {
  const told = chosen && now ? standing(chosen, now, show) : nothing;
  return html`<div class="standing" aria-live="polite">${told}</div>`;
}

function standing(chosen: Environment, now: EnvironmentNow, show: ShowDeploy): TemplateResult {
  return html`<p><span class="aside">Deployed now:</span> ${deployed(now, show)}</p>
    <p><span class="aside">In progress:</span> ${inProgress(now, show)}</p>
    ${outlook(chosen, now)}`;
}

function deployed({ deployed }: EnvironmentNow, show: ShowDeploy): TemplateResult | string {
  if (!deployed) return "nothing that is known here";
  return html`${whatLink(deployed, show)}${deployed.finishedAt ? html`, ${moment(deployed.finishedAt)}` : nothing}`;
}

function inProgress({ inProgress }: EnvironmentNow, show: ShowDeploy): TemplateResult | string {
  if (!inProgress) return "nothing";
  const { deploy, since } = inProgress;
  return html`${whatLink(deploy, show)}, by <bdi>${deploy.startedBy}</bdi>, since ${moment(since)}`;
}

// As it was when it was asked: somebody else may be faster, and then the server says so.
function outlook({ whenBusy }: Environment, { inProgress, queue }: EnvironmentNow): TemplateResult | typeof nothing {
  if (!inProgress) return nothing;
  if (whenBusy === "WAIT") return html`<p class="outlook">A deploy that is started now waits, ${ordinal(queue.length + 1)} in the queue.</p>`;
  return html`<p class="outlook">A deploy can be started when that one has ended.</p>`;
}
