import type { Authorization } from "../graphql/authorization.ts";
import { abandonDeployDocument, cancelDeployDocument, redeployDocument, rerunFailedJobsDocument } from "../graphql/documents.ts";
import { graphqlEndpoint } from "../graphql/endpoint.ts";
import { request } from "../graphql/request.ts";
import type { RequestIds } from "./request-ids.ts";
import type { Subject } from "./subject.ts";

/** Where it is sent, and what proves who sends it. */
interface Way {
  readonly endpoint: string | null;
  readonly authorization: Authorization | null;
}

/** Has the server do it. The id of the deploy that it concerns now: after a redeploy a new one. Throws a `Failure`. */
export async function send({ action, deploy }: Subject, reason: string, requests: RequestIds, way: Way): Promise<string> {
  const { authorization } = way;
  const endpoint = graphqlEndpoint(way.endpoint);
  const input = { deployId: deploy.id, reason };
  switch (action) {
    case "cancel":
      return (await request(endpoint, cancelDeployDocument, { input }, authorization)).cancelDeploy.id;
    case "rerun":
      return (await request(endpoint, rerunFailedJobsDocument, { input }, authorization)).rerunFailedJobs.id;
    case "abandon":
      return (await request(endpoint, abandonDeployDocument, { input }, authorization)).abandonDeploy.id;
    case "redeploy": {
      const requestId = requests.of(input);
      return (await request(endpoint, redeployDocument, { input: { ...input, requestId } }, authorization)).redeploy.id;
    }
  }
}
