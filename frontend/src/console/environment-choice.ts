import { html, nothing, type TemplateResult } from "lit";
import type { Environment } from "../graphql/documents.ts";
import type { Failure } from "../graphql/failure.ts";
import { brokenIcon } from "../look/icons.ts";
import { said } from "../look/said.ts";
import { isWebAddress } from "../modal/facts.ts";

/** What the options are attributes of: how the field is described, and whether its value is objected to. */
export interface FieldState {
  readonly describedBy: string;
  readonly invalid: "true" | "false";
}

/** The one that is chosen without anybody choosing: the only one there is a choice of. */
export function onlyChoice(environments: readonly Environment[]): Environment | null {
  const open = environments.filter(({ mayStart }) => mayStart);
  return open.length === 1 ? (open[0] ?? null) : null;
}

/** Any environment, by its name: `suggested` are those that come to mind, `only` is the one that there is nothing but. */
export function anyEnvironment(suggested: readonly string[], only: string | undefined, { describedBy, invalid }: FieldState): TemplateResult {
  return html`<input
      id="environment" name="environment" required autocomplete="off" autocapitalize="none" spellcheck="false"
      list="environments" value=${only ?? nothing} ?autofocus=${only === undefined}
      aria-describedby=${describedBy} aria-invalid=${invalid} />
    <datalist id="environments">${suggested.map((name) => html`<option value=${name}></option>`)}</datalist>`;
}

/** The environments there are, to choose one of. Where the caller may not start, it says so. */
export function environmentSelect(
  environments: readonly Environment[],
  chosen: Environment | null,
  { describedBy, invalid }: FieldState,
): TemplateResult {
  return html`<select id="environment" name="environment" required ?autofocus=${chosen === null} aria-describedby=${describedBy} aria-invalid=${invalid}>
    <option value="" ?selected=${chosen === null}>Choose an environment</option>
    ${environments.map(
      (one) => html`<option value=${one.name} ?selected=${one.name === chosen?.name} ?disabled=${!one.mayStart}>${optionText(one)}</option>`,
    )}
  </select>`;
}

function optionText({ name, mayStart, protected: isProtected }: Environment): string {
  const remarks = [isProtected ? "protected" : "", mayStart ? "" : "you may not deploy to it"].filter(Boolean);
  return remarks.length ? `${name} (${remarks.join(", ")})` : name;
}

/** What there is to know of the chosen one, below the field. */
export function environmentHint(chosen: Environment | null, none: boolean): TemplateResult | string | undefined {
  if (none) return "You may not start deploys to any of these.";
  if (chosen === null) return undefined;
  const page = chosen.url && isWebAddress(chosen.url) ? html` <a href=${chosen.url} target="_blank" rel="noopener noreferrer">Open ${chosen.name}</a>.` : nothing;
  return html`Deploys <bdi>${chosen.repository}</bdi>.${page}`;
}

/** Which refs may be deployed to it, as people write them. */
export function refHint(chosen: Environment | null): TemplateResult | string {
  if (chosen === null) return "A branch, tag or commit.";
  const may = [...chosen.refs.map(refText), ...(chosen.commits ? ["any commit"] : [])];
  return html`May be deployed: ${may.map((one, place) => html`${place ? ", " : ""}${one}`)}.`;
}

function refText(ref: string): TemplateResult | string {
  if (ref === "refs/heads/*") return "any branch";
  if (ref === "refs/tags/*") return "any tag";
  return html`<code>${ref.replace(/^refs\/(heads|tags)\//, "")}</code>`;
}

/** Says that nobody can choose yet, and why. */
export function choicesUnknown(failure: Failure, onAgain: () => void): TemplateResult {
  return html`<div class="notice" role="alert">
    ${brokenIcon}
    <div><strong>It is not known which environments there are.</strong> ${said(failure)}</div>
    <button type="button" @click=${onAgain}>Try again</button>
  </div>`;
}
