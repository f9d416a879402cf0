import { html, nothing, type TemplateResult } from "lit";
import type { DeployFeed } from "../feed/deploy-feed.ts";
import type { Deploy } from "../graphql/documents.ts";
import { standingIcon } from "../look/icons.ts";
import { outcomeWords } from "../words.ts";
import { ending, trouble } from "./trouble.ts";

/**
 * The dialog's title, which `id="title"` names it by. It takes the focus when the dialog opens, so it stays the same element while
 * its words change.
 */
export function title(deploy: Deploy | null, deployId: string): TemplateResult {
  return html`<h2 id="title" tabindex="-1" autofocus>${deploy ? named(deploy) : unnamed(deployId)}</h2>`;
}

function unnamed(deployId: string): TemplateResult {
  return html`<small>Deploy</small> <code><bdi>${deployId}</bdi></code>`;
}

function named({ environment, ref }: Deploy): TemplateResult {
  return html`<small>Deploy to</small> <bdi part="environment">${environment}</bdi> <code part="ref"><bdi>${ref}</bdi></code>`;
}

export function standing(feed: DeployFeed): TemplateResult {
  const { connection, history } = feed;
  const refused = feed.isRefused ? "refused" : "";
  return html`<div class="standing">
    ${history.deploy ? statusPill(history.deploy) : nothing}
    <span class="connection ${connection} ${refused}" part="connection">${connectionWord(feed)}</span>
  </div>`;
}

function connectionWord(feed: DeployFeed): string {
  switch (feed.connection) {
    case "connecting":
      return "Connecting";
    case "live":
      return "Live";
    case "lost":
      return trouble(feed).word;
    case "closed":
      return ending(feed, false).word;
  }
}

function statusPill(deploy: Deploy): TemplateResult {
  const { status } = deploy;
  const outcome = outcomeWords[status.outcome];
  return html`<span class="pill" part="status" data-outcome=${status.outcome}>
      ${standingIcon(deploy)}<span>${status.label}</span>
    </span>
    <span class=${outcome === status.label ? "unseen" : "outcome"} part="outcome">${outcome}</span>`;
}
