import { html, nothing, type TemplateResult } from "lit";
import type { EntrySource } from "../graphql/types.ts";
import type { Failure } from "../graphql/failure.ts";
import { moment } from "../time/moments.ts";
import { shortCommit } from "../words.ts";
import type { Action } from "./actions.ts";
import type { Subject } from "./subject.ts";

/** How an action is put to whoever is to confirm it: the question, what will happen, and the button that does it. */
export interface Question {
  readonly title: string;
  readonly what: TemplateResult | string;
  readonly submit: string;
}

export function question(subject: Subject): Question {
  const { deploy, attempt, outcome, unsent } = subject;
  switch (subject.action) {
    case "cancel":
      if (unsent) return { title: "Cancel this deploy?", what: UNSENT, submit: "Cancel the deploy" };
      return { title: "Cancel this deploy?", what: CANCEL, submit: "Ask GitHub to cancel" };
    case "rerun":
      return {
        title: outcome === "CANCELLED" ? "Re-run all jobs?" : "Re-run the failed jobs?",
        what: `GitHub is asked to run them again. The deploy becomes attempt ${attempt + 1} when GitHub or the workflow says so.`,
        submit: "Ask GitHub to re-run",
      };
    case "redeploy":
      return { title: "Deploy this again?", what: again(deploy), submit: "Start the deploy" };
    case "abandon":
      return { title: "Abandon this deploy?", what: ABANDON, submit: "Abandon the deploy" };
  }
}

const UNSENT = "It ends here at once, as cancelled. If GitHub has been asked for its run meanwhile, nothing is done.";
const CANCEL = "GitHub is asked to cancel the run. The status changes when GitHub or the workflow says so.";
const ABANDON =
  "It ends here, for good and in your name. Nothing is stopped at GitHub: a run that goes on there goes on, and what it still reports is refused.";

function again({ environment, ref, commit }: Subject["deploy"]): TemplateResult {
  const exactly = commit ? html`, commit <code>${shortCommit(commit)}</code>,` : "";
  return html`A new deploy of <code><bdi>${ref}</bdi></code>${exactly} to <bdi>${environment}</bdi> is started. Your reason becomes its note.`;
}

/** That it was asked for before, where it was and GitHub has not refused it: to ask again may be for nothing. */
export function askedBefore({ action, request }: Subject): TemplateResult | null {
  const kind = action === "cancel" ? "CANCEL_REQUESTED" : action === "rerun" ? "RERUN_REQUESTED" : null;
  if (!request || request.kind !== kind || request.failedBy === "GITHUB") return null;
  const asked = html`<bdi>${request.actor}</bdi> has asked for it at ${moment(request.requestedAt)} already.`;
  return request.failure === null ? asked : html`${asked} ${failureWords(request.failedBy)}.`;
}

/** What a failure comes to: whether it was done, and what to do where that is not known. */
export function outcomeOf({ action, unsent }: Subject, { code, refused }: Failure): TemplateResult {
  if (!refused) return html`<strong>It is not known whether this was done.</strong> ${UNKNOWN[action]}`;
  return html`<strong>This was not done.</strong> ${unsent && code === "NOT_POSSIBLE_NOW" ? MOVED : nothing}`;
}

const MOVED = "The deploy has moved on meanwhile.";
const AGAIN = "To do it again does no harm.";
const UNKNOWN: Record<Action, string> = {
  cancel: AGAIN,
  abandon: AGAIN,
  rerun: "See first whether the next attempt begins.",
  redeploy: "Start it again as it is: it will be one and the same.",
};

/** Why nothing can be confirmed as it stands here. `moved`: the deploy is not what it was. `lost`: nobody knows what it is. */
export type Stale = "" | "moved" | "lost";

export const staleWords: Record<Stale, string> = {
  "": "",
  moved: `${MOVED} Close this, and look how it stands.`,
  lost: "The connection is lost: it is not known how the deploy stands.",
};

/** What is known of a request that was not simply taken: refused in GitHub's own words, or no more than that nobody can say. */
export function failureWords(failedBy: EntrySource | null): string {
  return failedBy === "GITHUB" ? "GitHub has refused it" : "GitHub is not known to have done it";
}
