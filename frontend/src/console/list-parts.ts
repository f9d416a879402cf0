import { html, nothing, type TemplateResult } from "lit";
import { brokenIcon } from "../look/icons.ts";
import { moment } from "../time/moments.ts";
import { outcomeWords, sentence } from "../words.ts";
import type { DeployList } from "./deploy-list.ts";
import { plusIcon, refreshIcon } from "./icons.ts";

/** What narrows the list down, how old it is, and what asks for it anew. */
export function filterBar(
  list: DeployList,
  environments: readonly string[],
  filtered: (event: Event) => void,
  refresh: () => void,
): TemplateResult {
  const { asOf, busy } = list;
  return html`<form class="bar" role="search" aria-label="Deploys" @submit=${(event: Event) => event.preventDefault()} @change=${filtered}>
    <label>Environment<input name="environment" placeholder="any" autocomplete="off" list="known" /></label>
    <datalist id="known">${environments.map((name) => html`<option value=${name}></option>`)}</datalist>
    <label>
      Outcome
      <select name="outcome">
        <option value="">any</option>
        ${Object.entries(outcomeWords).map(([value, word]) => html`<option value=${value}>${word}</option>`)}
      </select>
    </label>
    <div class="fresh">
      <span class="as-of">${asOf === null ? "not loaded yet" : html`as of ${moment(asOf)}`}</span>
      <button type="button" class="refresh" ?disabled=${busy} @click=${refresh}>${refreshIcon}Refresh</button>
    </div>
  </form>`;
}

export function listFailure(list: DeployList): TemplateResult | typeof nothing {
  const { failure, deploys } = list;
  if (!failure) return nothing;
  return html`<div class="notice bad" role="alert">
    ${brokenIcon}
    <div>
      <strong>The deploys could not be loaded.</strong> ${sentence(failure.message)} <code>${failure.code}</code>
      ${deploys ? html`<div>The list below is what was loaded before.</div>` : nothing}
    </div>
    <button @click=${() => list.refresh()}>Try again</button>
  </div>`;
}

/** What stands in the place of a list without rows. `start`: what begins a deploy, for those who may; `dispatches`: and its run. */
export function blank(list: DeployList, start: (() => void) | null, dispatches: boolean): TemplateResult | typeof nothing {
  const { deploys, failure, filter } = list;
  if (!deploys) return failure ? nothing : html`<div class="list blank"><p>Loading the deploys …</p></div>`;
  if (filter.environment || filter.outcome) {
    return html`<div class="list blank"><strong>No deploy matches</strong><p>There may be others: change or clear the filter.</p></div>`;
  }
  if (!start) return html`<div class="list blank"><strong>No deploys yet</strong><p>Nobody has started one.</p></div>`;
  return html`<div class="list blank">
    <strong>No deploys yet</strong>
    <p>
      ${dispatches
        ? "Start one here: GitHub is asked to run its workflow."
        : "Start one here, and give its id to the workflow as console_deploy_id."}
      Its steps show as the workflow reports them.
    </p>
    <button class="primary" @click=${start}>${plusIcon}Start a deploy</button>
  </div>`;
}
