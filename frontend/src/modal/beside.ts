import { html, nothing, type TemplateResult } from "lit";
import type { Deploy, OperatorRequest, Surroundings } from "../graphql/documents.ts";
import type { DispatchState } from "../graphql/types.ts";
import { operatorIcon, refusalIcon, sourceIcons, unknownIcon, waitIcon } from "../look/icons.ts";
import { failureWords } from "../steering/confirmation-words.ts";
import { moment } from "../time/moments.ts";
import { ordinal, sentence } from "../words.ts";

type Place = NonNullable<Surroundings["deploy"]>;
type Dispatch = NonNullable<Place["dispatch"]>;

/** What is so beside the status, and moves nothing: that the deploy waits, and for what; and what an operator has asked GitHub for. */
export function beside(deploy: Deploy, surroundings: Surroundings | null): TemplateResult | typeof nothing {
  const place = surroundings?.deploy ?? null;
  const facts = [queued(deploy, place), dispatched(deploy, place?.dispatch ?? null), running(deploy), requested(deploy.request)];
  if (facts.every((fact) => fact === null)) return nothing;
  return html`<ul class="beside" part="beside" role="list" aria-label="Beside the status">
    ${facts.map((fact) => fact ?? nothing)}
  </ul>`;
}

function fact(part: string, icon: TemplateResult, words: TemplateResult, tone = ""): TemplateResult {
  return html`<li class=${tone} part=${part}>${icon}<p>${words}</p></li>`;
}

function queued({ environment, status }: Deploy, place: Place | null): TemplateResult | null {
  if (place?.queuePosition == null || status.outcome !== "IN_PROGRESS") return null;
  return fact(
    "queue-place",
    waitIcon,
    html`<strong>Waits for <bdi>${environment}</bdi>:</strong> ${placeWords(place.queuePosition)}. It goes on by itself when its turn has come.`,
  );
}

/** "2nd in its queue". */
export function placeWords(position: number): string {
  return `${ordinal(position)} in its queue`;
}

const LOOKS: Partial<Record<DispatchState, readonly [TemplateResult, string]>> = {
  UNCLEAR: [unknownIcon, "unclear"],
  REFUSED: [refusalIcon, "bad"],
};

function dispatched(deploy: Deploy, dispatch: Dispatch | null): TemplateResult | null {
  const words = dispatch && dispatchWords(deploy, dispatch);
  if (!dispatch || !words) return null;
  const [icon, tone] = LOOKS[dispatch.state] ?? [waitIcon, ""];
  return fact("dispatch", icon, html`<strong>${words}</strong> ${why(deploy, dispatch)}`, tone);
}

/**
 * What has become of asking GitHub for the run, where that is to be told; null where it has begun, or is not its turn yet. Of a deploy that
 * has ended nothing is asked for any more, and no run is looked for.
 */
export function dispatchWords({ status }: Deploy, { state }: Dispatch): string | null {
  const ended = status.outcome !== "IN_PROGRESS";
  switch (state) {
    case "PENDING":
      return ended ? null : "GitHub has not been asked for the run yet.";
    case "SENDING":
      return ended ? NEVER_LEARNED : "GitHub is being asked for the run.";
    case "UNCLEAR":
      return ended ? NEVER_LEARNED : "It is not known whether GitHub has begun the run.";
    case "REFUSED":
      return "GitHub has not begun the run.";
    case "WITHDRAWN":
      return "GitHub was never asked for a run.";
    default:
      return null;
  }
}

const NEVER_LEARNED = "It was never learned whether GitHub has begun the run.";

function why({ status }: Deploy, { state, reason }: Dispatch): TemplateResult | typeof nothing {
  const given = reason ? html`<span dir="auto">${sentence(reason)}</span>` : nothing;
  if (status.outcome !== "IN_PROGRESS") return given;
  if (state === "UNCLEAR") return html`${given} It is looked for there, and not asked for again.`;
  return html`${given}${state === "PENDING" && reason ? " It will be tried again." : nothing}`;
}

// GitHub's own words for a run that does not run yet; for all others there is nothing to wait for.
const WAITS: Readonly<Record<string, string>> = {
  requested: "It is not queued yet.",
  queued: "It waits for a runner.",
  pending: "Another run goes first.",
  waiting: "It waits for what protects it there, such as an approval.",
};

function running({ run, attempt, status }: Deploy): TemplateResult | null {
  const waits = run && run.attempt >= attempt && status.outcome === "IN_PROGRESS" ? WAITS[run.status] : undefined;
  if (!run || waits === undefined) return null;
  return fact("run-waits", sourceIcons.GITHUB, html`<strong>GitHub says of the run: ${run.status}.</strong> ${waits} Said ${moment(run.reportedAt)}.`);
}

function requested(request: OperatorRequest | null): TemplateResult | null {
  if (!request) return null;
  const { kind, actor, reason, requestedAt, failure, failedBy } = request;
  const what = kind === "CANCEL_REQUESTED" ? "Cancellation" : "Re-run";
  const asked = html`<strong>${what} asked for</strong> by <bdi>${actor}</bdi>, ${moment(requestedAt)}${reason
    ? html`: <span dir="auto">${sentence(reason)}</span>`
    : "."}`;
  if (failure === null) return fact("request", operatorIcon, html`${asked} GitHub has not said yet that it is done.`);
  const why = html`<strong class="why">${failureWords(failedBy)}:</strong> <span dir="auto">${sentence(failure)}</span>`;
  return fact("request", operatorIcon, html`${asked} ${why}`, failedBy === "GITHUB" ? "bad" : "unclear");
}
