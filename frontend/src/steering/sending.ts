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
import type { RedeployInput } from "../graphql/types.ts";
import type { Action } from "./actions.ts";
import type { RequestIds } from "./request-ids.ts";
import type { Subject } from "./subject.ts";

const DOCUMENTS: Record<Action, Document<{ readonly done: { readonly id: string } }, { input: RedeployInput }>> = {
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
export async function send({ action, deploy }: Subject, reason: string, requests: RequestIds, way: Way): Promise<string> {
  const input = { deployId: deploy.id, reason };
  const asked = action === "redeploy" ? { ...input, requestId: requests.of(input) } : input;
  const { done } = await request(graphqlEndpoint(way.endpoint), DOCUMENTS[action], { input: asked }, way.authorization);
  return done.id;
}
