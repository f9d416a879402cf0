import { html, nothing, type TemplateResult } from "lit";
import type { Environment, EnvironmentNow } from "../graphql/documents.ts";
import type { Failure } from "../graphql/failure.ts";
import { said } from "../look/said.ts";
import { moment } from "../time/moments.ts";
import { ordinal } from "../words.ts";
import { whatLink, type ShowDeploy } from "./deploy-link.ts";

/** What is known of how the environments stand, as of when, and why it is not known as of now. */
export interface AsOf {
  readonly known: readonly EnvironmentNow[] | null;
  readonly asOf: number | null;
  readonly failure: Failure | null;
}

/** How the chosen environment stands, and what would become of a start: below the field that it is chosen in. */
export function environmentStanding(chosen: Environment | null, now: AsOf, show: ShowDeploy): TemplateResult {
  const standing = now.known?.find(({ name }) => name === chosen?.name);
  return html`<div class="standing" aria-live="polite">${chosen ? lines(chosen, standing, now.failure, show) : nothing}</div>
    ${chosen && standing && now.asOf !== null ? html`<p class="hint standing-as-of">as of ${moment(now.asOf)}</p>` : nothing}`;
}

// What is not known as of now foretells nothing.
function lines(chosen: Environment, standing: EnvironmentNow | undefined, failure: Failure | null, show: ShowDeploy): (TemplateResult | typeof nothing)[] {
  const before = standing ? told(standing, show) : nothing;
  if (failure) return [before, html`<p class="outlook">How it stands now is not known. ${said(failure)}</p>`];
  return [before, standing ? outlook(chosen, standing) : nothing];
}

function told(now: EnvironmentNow, show: ShowDeploy): TemplateResult {
  return html`<p><span class="aside">Succeeded last:</span> ${deployed(now, show)}</p>
    <p><span class="aside">In progress:</span> ${inProgress(now, show)}</p>`;
}

function deployed({ deployed }: EnvironmentNow, show: ShowDeploy): TemplateResult | string {
  if (!deployed) return "nothing yet";
  return html`${whatLink(deployed, show)}${deployed.finishedAt ? html`, ${moment(deployed.finishedAt)}` : nothing}`;
}

function inProgress({ inProgress }: EnvironmentNow, show: ShowDeploy): TemplateResult | string {
  if (!inProgress) return "nothing";
  const { deploy, since } = inProgress;
  return html`${whatLink(deploy, show)}, by <bdi>${deploy.startedBy}</bdi>, since ${moment(since)}`;
}

// As it was when it was asked: somebody else may be faster, and then the server says so.
function outlook({ whenBusy }: Environment, { inProgress, waiting }: EnvironmentNow): TemplateResult | typeof nothing {
  if (!inProgress) return nothing;
  if (whenBusy === "WAIT") return html`<p class="outlook">A deploy that is started now waits, ${ordinal(waiting + 1)} in the queue.</p>`;
  return html`<p class="outlook">A deploy can be started when that one has ended.</p>`;
}
