import { html, type TemplateResult } from "lit";
import type { Failure } from "../graphql/failure.ts";
import { brokenIcon } from "../look/icons.ts";
import { said } from "../look/said.ts";
import { busyWords, type LinkTo } from "./busy.ts";

/** Why no deploy was started, or why that is not known. */
export function startFailure(failure: Failure, linkTo: LinkTo): TemplateResult {
  const busy = busyWords(failure, linkTo);
  return html`<div class="notice bad">
    ${brokenIcon}
    <div>
      ${failure.refused
        ? html`<strong>The deploy was not started.</strong>`
        : html`<strong>It is not known whether the deploy was started.</strong> Start it again as it is: it will be one and the same.`}
      <p>${busy ?? said(failure)}</p>
    </div>
  </div>`;
}
