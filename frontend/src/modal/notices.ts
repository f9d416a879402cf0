import { html, nothing, type TemplateResult } from "lit";
import type { DeployFeed, Retry } from "../feed/deploy-feed.ts";
import { brokenIcon, noteIcon } from "../look/icons.ts";
import { moment } from "../time/moments.ts";
import { asideWords, entryStatus } from "./audit-list.ts";
import { ending, trouble } from "./trouble.ts";

/**
 * Says that what is shown is no longer confirmed, up to where it was, and what is being done about it. To a page of another origin
 * (`foreign`) a browser does not tell why it may not connect.
 */
export function lostNotice(feed: DeployFeed, foreign: boolean): TemplateResult {
  const { title, why } = trouble(feed);
  const unreached = !feed.history.deploy && feed.failure?.code === "UNREACHABLE";
  return html`<div class="notice bad" part="lost">
    ${brokenIcon}
    <div>
      <p><strong>${title}</strong> ${why}</p>
      ${lastConfirmed(feed)} ${foreign && unreached ? originHint() : nothing}
      <p part="retry">${retryWords(feed.retry)}</p>
    </div>
    <button part="try-now" ?disabled=${feed.retry?.at === null} @click=${() => feed.tryNow()}>Try now</button>
  </div>`;
}

function originHint(): TemplateResult {
  return html`<p part="origin-hint">
    The server may not allow this page's origin, <code>${location.origin}</code>: its setting PHASELINE_ALLOWED_ORIGINS says which it allows.
  </p>`;
}

function lastConfirmed({ heardAt, history, labels }: DeployFeed): TemplateResult {
  const entry = history.confirmedEntry;
  if (!entry) return html`<p>Nothing has been received yet.</p>`;
  const told = asideWords(entry) ?? entryStatus(entry.toStatus, labels);
  const what = entry.kind === "CALLBACK_REFUSED" ? "a refused callback" : told;
  return html`<p part="last-confirmed">
    Last confirmed: entry ${entry.sequence}, ${what}, recorded ${moment(entry.recordedAt)}.
    ${heardAt === null ? nothing : html`Live until ${moment(heardAt)}.`}
  </p>`;
}

function retryWords(retry: Retry | null): string {
  if (!retry) return "";
  if (retry.at === null) return `Reconnecting: try ${retry.attempt} …`;
  return `Reconnecting: try ${retry.attempt} in ${Math.max(1, Math.ceil((retry.at - Date.now()) / 1_000))} s`;
}

/** The server's history is another one than was shown before, such as a restored one: never passed over in silence. */
export function restartedNotice(restartedFrom: number): TemplateResult {
  return html`<div class="notice" part="restarted">
    ${noteIcon}
    <div>
      <strong>The server's history differs from what was shown here,</strong> which had reached entry ${restartedFrom}. Showing what
      the server holds.
    </div>
  </div>`;
}

// Codes that the words tell apart already.
const SAID_IN_WORDS = new Set(["UNAUTHENTICATED", "DEPLOY_NOT_FOUND"]);

/** Nothing more will come by itself; what is shown stands as it was last confirmed. `again` asks anew, after a sign-in where needed. */
export function closedNotice(feed: DeployFeed, foreign: boolean, again: () => void): TemplateResult {
  const { failure, history } = feed;
  const { title, why } = ending(feed, foreign);
  const signIn = failure?.code === "UNAUTHENTICATED" && !foreign;
  return html`<div class="notice bad" part="failure">
    ${brokenIcon}
    <div>
      <p><strong>${title}</strong> ${why} ${SAID_IN_WORDS.has(failure?.code ?? "") ? nothing : html`<code>${failure?.code}</code>`}</p>
      ${history.deploy ? lastConfirmed(feed) : nothing}
    </div>
    ${signIn ? html`<button part="sign-in" @click=${again}>Sign in</button>` : html`<button part="try-again" @click=${again}>Try again</button>`}
  </div>`;
}

/** Whether the server was asked for a deploy that it does not hold, or for an id that no deploy can have; and never told of one. */
export function isUnknown({ failure, history }: DeployFeed): boolean {
  return !history.deploy && (failure?.code === "DEPLOY_NOT_FOUND" || (failure?.code === "BAD_USER_INPUT" && failure.field === "deployId"));
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
