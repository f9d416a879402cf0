import { html, nothing, type TemplateResult } from "lit";
import type { Failure } from "../graphql/failure.ts";
import { moment } from "../time/moments.ts";

/** A link to a deploy, of these words. */
export type LinkTo = (deployId: string, words: string) => TemplateResult;

/** Whose hands the environment is in, as an ENVIRONMENT_BUSY tells it; null where a failure is none, or does not say. */
export function busyWords({ code, details }: Failure, linkTo: LinkTo): TemplateResult | null {
  const { deployId, ref, startedBy, since } = details;
  if (code !== "ENVIRONMENT_BUSY" || typeof deployId !== "string" || typeof ref !== "string") return null;
  return html`Another deploy is in progress: <code><bdi>${ref}</bdi></code>${typeof startedBy === "string"
    ? html`, started by <bdi>${startedBy}</bdi>`
    : nothing}${typeof since === "string" ? html`, since ${moment(since)}` : nothing}. ${linkTo(deployId, "Show that deploy")}.`;
}
