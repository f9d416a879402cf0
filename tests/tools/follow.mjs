// Follows a deploy with the reference client of a protocol, until it has as many events as it was told:
// node follow.mjs ws|sse http://127.0.0.1:8000/graphql TOKEN DEPLOY AFTER COUNT [RETRIES]
import { createClient as sse } from "graphql-sse";
import { createClient as ws } from "graphql-ws";

const [protocol, url, token, deployId, after, count, retries = "0"] = process.argv.slice(2);
const retryAttempts = Number(retries);
// By itself the first one gives up when the server is not back at its first try.
const shouldRetry = () => true;
const proof = { authorization: `Bearer ${token}` };
const client =
  protocol === "ws"
    ? ws({ url: url.replace("http", "ws"), connectionParams: proof, retryAttempts, shouldRetry })
    : sse({ url, headers: proof, retryAttempts });
const events = client.iterate({
  query: `subscription ($deployId: ID!, $after: Int) {
    phaseChanged(deployId: $deployId, after: $after) { entry { sequence toStatus } deploy { status { key } } }
  }`,
  variables: { deployId, after: Number(after) },
});
let left = Number(count);
for await (const event of events) {
  console.log(JSON.stringify(event));
  if (--left === 0) break;
}
client.dispose();
