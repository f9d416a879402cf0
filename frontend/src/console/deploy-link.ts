import { html, nothing, type TemplateResult } from "lit";
import type { DeployBrief } from "../graphql/documents.ts";
import { pathOf } from "../routes.ts";
import { shortCommit } from "../words.ts";

/** Has the page show a deploy. */
export type ShowDeploy = (deployId: string) => void;

/** A link to a deploy's own address, which the page follows by itself: of these words, or of what is deployed. */
export function deployLink(deployId: string, words: TemplateResult | string, show: ShowDeploy): TemplateResult {
  return html`<a href=${pathOf(deployId)} @click=${(event: MouseEvent) => follow(event, () => show(deployId))}>${words}</a>`;
}

/** The ref and the commit of a deploy, as a link to it. */
export function whatLink({ id, ref, commit }: DeployBrief, show: ShowDeploy): TemplateResult {
  return deployLink(id, html`<code><bdi>${ref}</bdi></code>${commit ? html` <code class="commit">${shortCommit(commit)}</code>` : nothing}`, show);
}

/** Follows a link within the page. With a modifier it is the browser's: a new tab, a new window, a download. */
export function follow(event: MouseEvent, go: () => void): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go();
}
