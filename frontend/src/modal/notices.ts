import { html, type TemplateResult } from "lit";
import type { DeployFeed, Retry } from "../feed/deploy-feed.ts";
import { brokenIcon, noteIcon } from "../look/icons.ts";
import { moment } from "../time/moments.ts";
import { entryStatus } from "./audit-list.ts";

/** Says that what is shown is no longer confirmed, up to where it was, and what is being done about it. */
export function lostNotice(feed: DeployFeed): TemplateResult {
  return html`<div class="notice bad" part="lost">
    ${brokenIcon}
    <div>
      <p><strong>Connection lost.</strong> ${feed.failure?.message}</p>
      ${lastConfirmed(feed)}
      <p part="retry">${retryWords(feed.retry)}</p>
    </div>
    <button part="try-now" ?disabled=${feed.retry?.at === null} @click=${() => feed.tryNow()}>Try now</button>
  </div>`;
}

function lastConfirmed({ history, labels }: DeployFeed): TemplateResult {
  const entry = history.confirmedEntry;
  if (!entry) return html`<p>Nothing has been received yet.</p>`;
  const what = entry.kind === "CALLBACK_REFUSED" ? "a refused callback" : entryStatus(entry.toStatus, labels);
  return html`<p part="last-confirmed">
    Last confirmed: entry ${entry.sequence}, ${what}, recorded ${moment(entry.recordedAt)}.
  </p>`;
}

function retryWords(retry: Retry | null): string {
  if (!retry) return "";
  if (retry.at === null) return `Reconnecting: try ${retry.attempt} …`;
  return `Reconnecting: try ${retry.attempt} in ${Math.max(1, Math.ceil((retry.at - Date.now()) / 1_000))} s`;
}

/** The server's history is shorter than the one shown before: never passed over in silence. */
export function restartedNotice(restartedFrom: number): TemplateResult {
  return html`<div class="notice" part="restarted">
    ${noteIcon}
    <div>
      <strong>The server's history is shorter than what was shown here,</strong> which had reached entry ${restartedFrom}. Showing
      what the server holds.
    </div>
  </div>`;
}

/** Nothing more will come by itself. */
export function closedNotice(feed: DeployFeed): TemplateResult {
  const { failure } = feed;
  return html`<div class="notice bad" part="failure">
    ${brokenIcon}
    <div><strong>${failure?.code}</strong> ${failure?.message}</div>
    <button part="try-again" @click=${() => feed.tryNow()}>Try again</button>
  </div>`;
}

export function notFound(deployId: string): TemplateResult {
  return html`<div class="empty" part="not-found">
    ${noteIcon}
    <strong>There is no deploy with this id.</strong>
    <p>The server holds no deploy <code>${deployId}</code>. The address may be mistyped, or belong to another server.</p>
  </div>`;
}

export function waiting(): TemplateResult {
  return html`<div class="empty" part="waiting">
    <strong>Waiting for the server</strong>
    <p>The steps are drawn when it has told how the deploy stands.</p>
  </div>`;
}
