import type { Authorization } from "../graphql/authorization.ts";
import {
  abandonDeployDocument,
  cancelDeployDocument,
  redeployDocument,
  rerunFailedJobsDocument,
  type Document,
} from "../graphql/documents.ts";
import { graphqlEndpoint } from "../graphql/endpoint.ts";
import { request } from "../graphql/request.ts";
import type { CancelInput, RedeployInput } from "../graphql/types.ts";
import type { Action } from "./actions.ts";
import type { RequestIds } from "./request-ids.ts";
import type { Subject } from "./subject.ts";

type Input = CancelInput & RedeployInput;

const DOCUMENTS: Record<Action, Document<{ readonly done: { readonly id: string } }, { input: Input }>> = {
  cancel: cancelDeployDocument,
  rerun: rerunFailedJobsDocument,
  redeploy: redeployDocument,
  abandon: abandonDeployDocument,
};

/** Where it is sent, and what proves who sends it. */
interface Way {
  readonly endpoint: string | null;
  readonly authorization: Authorization | null;
}

/** Has the server do it. The id of the deploy that it concerns now: after a redeploy a new one. Throws a `Failure`. */
export async function send(subject: Subject, reason: string, requests: RequestIds, way: Way): Promise<string> {
  const input = inputOf(subject, reason, requests);
  const { done } = await request(graphqlEndpoint(way.endpoint), DOCUMENTS[subject.action], { input }, way.authorization);
  return done.id;
}

// What was confirmed is that GitHub has not been asked: where it has been meanwhile, nothing is to be done.
function inputOf({ action, deploy, unsent }: Subject, reason: string, requests: RequestIds): Input {
  const input = { deployId: deploy.id, reason };
  if (action === "redeploy") return { ...input, requestId: requests.of(input) };
  return action === "cancel" && unsent ? { ...input, onlyUnsent: true } : input;
}
