import { html, nothing, type TemplateResult } from "lit";
import type { Connection } from "../feed/deploy-feed.ts";
import type { Deploy } from "../graphql/documents.ts";
import { outcomeIcons } from "../look/icons.ts";
import { outcomeWords } from "../words.ts";

const connectionWords: Record<Connection, string> = {
  connecting: "Connecting",
  live: "Live",
  lost: "Connection lost",
  closed: "Not connected",
};

/** The dialog's title, which `id="title"` names it by. */
export function title(deploy: Deploy | null, deployId: string): TemplateResult {
  if (!deploy) return html`<h2 id="title"><small>Deploy</small> <code>${deployId}</code></h2>`;
  return html`<h2 id="title">
    <small>Deploy to</small> <span part="environment">${deploy.environment}</span> <code part="ref">${deploy.ref}</code>
  </h2>`;
}

export function standing(deploy: Deploy | null, connection: Connection): TemplateResult {
  return html`<div class="standing">
    ${deploy ? statusPill(deploy) : nothing}
    <span class="connection ${connection}" part="connection">${connectionWords[connection]}</span>
  </div>`;
}

function statusPill({ status }: Deploy): TemplateResult {
  const outcome = outcomeWords[status.outcome];
  return html`<span class="pill" part="status" data-outcome=${status.outcome}>
      ${outcomeIcons[status.outcome]}<span>${status.label}</span>
    </span>
    <span class=${outcome === status.label ? "unseen" : "outcome"} part="outcome">${outcome}</span>`;
}
