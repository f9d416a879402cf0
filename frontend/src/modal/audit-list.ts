import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { History } from "../feed/history.ts";
import type { AuditEntry } from "../graphql/documents.ts";
import { refusalIcon, sourceIcons } from "../look/icons.ts";
import { moment } from "../time/moments.ts";
import { sourceWords } from "../words.ts";

/** Labels of statuses by key. Where the server has not told one, the key itself is shown. */
export type Labels = ReadonlyMap<string, string>;

/** The audit entries, newest first, at most `limit` of them: a deploy can be refused thousands of times. */
export function auditList(history: History, labels: Labels, limit: number, showAll: () => void): TemplateResult {
  const { entries } = history;
  const shown = entries.slice(-limit).reverse();
  const older = entries.length - shown.length;
  const again = (history.deploy?.attempt ?? 1) > 1;
  return html`<section class="audit" aria-labelledby="audit-title">
    <div class="top">
      <h3 id="audit-title">Audit entries</h3>
      <p class="position" part="position">entry ${history.confirmed} of ${history.newest}</p>
    </div>
    <ol class="entries" part="entries" role="list" reversed>
      ${repeat(
        shown,
        (entry) => entry.sequence,
        (entry) => row(entry, labels, again),
      )}
    </ol>
    ${older > 0 ? html`<button class="older" part="older" @click=${showAll}>Show ${older} older entries</button>` : nothing}
  </section>`;
}

// Once there are two attempts, every entry says which it is of: the late report of an older one is refused for just that.
function row(entry: AuditEntry, labels: Labels, again: boolean): TemplateResult {
  return html`<li
    class="entry"
    part="entry"
    data-sequence=${entry.sequence}
    data-kind=${entry.kind}
    data-source=${entry.source}
    data-to-status=${entry.toStatus ?? nothing}
    data-refusal=${entry.refusal ?? nothing}
  >
    <span class="number"><span class="unseen">entry</span> ${entry.sequence}</span>
    <span class="at">${moment(entry.recordedAt)}</span>
    <div class="what">
      <span class="head">
        ${told(entry, labels)}
        ${again || entry.attempt > 1 ? html`<span class="tag">attempt ${entry.attempt}</span>` : nothing}
      </span>
      ${ended(entry)}
      ${entry.message ? html`<span class="message" dir="auto">${entry.message}</span>` : nothing}
    </div>
    <span class="source" part="source">${sourceIcons[entry.source] ?? nothing}${sourceWords[entry.source] ?? entry.source}</span>
    <span class="actor"><span class="unseen">by</span> <bdi>${entry.actor}</bdi></span>
  </li>`;
}

function told(entry: AuditEntry, labels: Labels): TemplateResult {
  if (entry.kind === "CALLBACK_REFUSED") return refusal(entry, labels);
  const aside = asideWords(entry);
  return aside === null ? accepted(entry, labels) : html`<span dir="auto">${aside}</span>`;
}

/** By which account a deploy has ended of whose end no callback has told. */
function ended(entry: AuditEntry): TemplateResult | typeof nothing {
  if (entry.kind !== "TRANSITION" || !entry.runStatus) return nothing;
  return html`<span class="message" dir="auto">No callback has told; ${account(entry)}</span>`;
}

function accepted(entry: AuditEntry, labels: Labels): TemplateResult {
  const started = entry.kind === "DEPLOY_STARTED" ? "Deploy started: " : "";
  return html`<span>${started}<bdi>${entryStatus(entry.toStatus, labels)}</bdi></span>`;
}

function refusal(entry: AuditEntry, labels: Labels): TemplateResult {
  return html`<span class="refused">${refusalIcon}Callback refused</span>
    <span>asked for <bdi>${entryStatus(entry.toStatus, labels)}</bdi></span>
    ${entry.refusal ? html`<code class="code">${entry.refusal}</code>` : nothing}`;
}

/** What an entry says that moves nothing and is no refusal; null for all others. GitHub's own words are shown as they are. */
export function asideWords({ kind, source, runStatus, runConclusion }: AuditEntry): string | null {
  switch (kind) {
    case "RUN_REPORTED":
      return account({ runStatus, runConclusion });
    case "DISPATCH_UNCLEAR":
      return "Not known whether the run was begun";
    case "CANCEL_REQUESTED":
      return "Cancellation requested";
    case "RERUN_REQUESTED":
      return "Re-run requested";
    case "REQUEST_FAILED":
      return source === "GITHUB" ? "GitHub refused what was requested" : "GitHub is not known to have done what was requested";
    default:
      return null;
  }
}

function account({ runStatus, runConclusion }: Pick<AuditEntry, "runStatus" | "runConclusion">): string {
  return `GitHub says of the run: ${[runStatus, runConclusion].filter(Boolean).join(", ")}`;
}

/** A status of an entry, in the server's words where it has told them. */
export function entryStatus(key: string | null, labels: Labels): string {
  return key === null ? "no status" : (labels.get(key) ?? key);
}
