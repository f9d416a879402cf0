import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { DeployBrief, EnvironmentNow } from "../graphql/documents.ts";
import { brokenIcon } from "../look/icons.ts";
import { said } from "../look/said.ts";
import { moment } from "../time/moments.ts";
import { ordinal } from "../words.ts";
import { whatLink, type ShowDeploy } from "./deploy-link.ts";
import type { EnvironmentsNow } from "./environments-now.ts";

// More than these, and those where nothing goes on stand folded up.
const ROOM_FOR = 6;

/** What can be done with what is shown. `cancel`: null for a deploy that this caller may not cancel. */
export interface EnvironmentActions {
  readonly show: ShowDeploy;
  readonly cancel: (deploy: DeployBrief) => (() => void) | null;
}

/**
 * Each environment there is: what has succeeded last, what is in progress, and what waits, in order. Nothing where the server names none.
 * `tells`: whether to say that this could not be found out, which is said elsewhere where nothing could.
 */
export function environmentRows(now: EnvironmentsNow, tells: boolean, actions: EnvironmentActions): TemplateResult | typeof nothing {
  const { known, asOf } = now;
  const failure = tells ? now.failure : null;
  if (!known?.length && !failure) return nothing;
  return html`<section class="environments" aria-labelledby="environments-title">
    <div class="section-top">
      <h2 id="environments-title" tabindex="-1">Environments</h2>
      ${asOf === null ? nothing : html`<span class="aside">as of ${moment(asOf)}</span>`}
    </div>
    ${failure
      ? html`<div class="notice bad" role="alert">
          ${brokenIcon}
          <div><strong>It is not known what is in progress.</strong> ${said(failure)}</div>
        </div>`
      : nothing}
    ${known?.length ? rows(known, actions) : nothing}
  </section>`;
}

function rows(known: readonly EnvironmentNow[], actions: EnvironmentActions): TemplateResult {
  const quiet = known.length > ROOM_FOR ? known.filter(isQuiet) : [];
  const shown = known.filter((one) => !quiet.includes(one));
  return html`${shown.length ? list(shown, actions) : nothing}
  ${quiet.length
    ? html`<details class="quiet">
        <summary>${quiet.length} environments with nothing in progress</summary>
        ${list(quiet, actions)}
      </details>`
    : nothing}`;
}

function isQuiet({ inProgress, queue }: EnvironmentNow): boolean {
  return inProgress === null && queue.length === 0;
}

function list(shown: readonly EnvironmentNow[], actions: EnvironmentActions): TemplateResult {
  return html`<ul class="list" role="list">
    ${repeat(
      shown,
      ({ name }) => name,
      (one) => row(one, actions),
    )}
  </ul>`;
}

function row(one: EnvironmentNow, actions: EnvironmentActions): TemplateResult {
  return html`<li class="environment" data-environment=${one.name}>
    <h3><bdi>${one.name}</bdi></h3>
    <p class="deployed"><span class="aside">Succeeded last</span> ${deployed(one, actions.show)}</p>
    <div class="going-on">
      <p class="in-progress"><span class="aside">In progress</span> ${inProgress(one, actions.show)}</p>
      ${one.queue.length
        ? html`<ol class="queue" role="list" aria-label=${`Waiting for ${one.name}`}>
            ${one.queue.map((deploy, index) => waiting(deploy, index + 1, actions))}
            ${one.waiting > one.queue.length ? html`<li class="aside">and ${one.waiting - one.queue.length} more</li>` : nothing}
          </ol>`
        : nothing}
    </div>
  </li>`;
}

function deployed({ deployed }: EnvironmentNow, show: ShowDeploy): TemplateResult | string {
  if (!deployed) return "nothing yet";
  const { finishedAt } = deployed;
  return html`${whatLink(deployed, show)} ${finishedAt ? html`<span class="aside">${moment(finishedAt)}</span>` : nothing}`;
}

function inProgress({ inProgress }: EnvironmentNow, show: ShowDeploy): TemplateResult | string {
  if (!inProgress) return "nothing";
  const { deploy, since } = inProgress;
  return html`${whatLink(deploy, show)}
    <span class="aside">${deploy.status.label}, by <bdi>${deploy.startedBy}</bdi>, since ${moment(since)}</span>`;
}

function waiting(deploy: DeployBrief, place: number, { show, cancel }: EnvironmentActions): TemplateResult {
  const onCancel = cancel(deploy);
  return html`<li data-waiting=${deploy.id}>
    <span class="place">${ordinal(place)}</span>
    <span class="waits">
      ${whatLink(deploy, show)} <span class="aside">waits, by <bdi>${deploy.startedBy}</bdi>, since ${moment(deploy.startedAt)}</span>
    </span>
    ${onCancel ? html`<button class="small" aria-label=${`Cancel ${deploy.ref}, ${ordinal(place)} in the queue`} @click=${onCancel}>Cancel</button>` : nothing}
  </li>`;
}
