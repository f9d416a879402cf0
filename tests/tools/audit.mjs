// Runs graphql-http's audits of the GraphQL over HTTP specification: node audit.mjs http://127.0.0.1:8000/graphql TOKEN
import { auditServer } from "graphql-http";

const [url, token] = process.argv.slice(2);
const fetchFn = (address, { headers, ...more } = {}) =>
  fetch(address, { ...more, headers: { ...headers, authorization: `Bearer ${token}` } });
const results = await auditServer({ url, fetchFn });
const audits = [];
for (const { id, name, status, reason, response } of results) {
  // A response whose body nobody reads keeps its connection, and so this process, open.
  if (response && !response.bodyUsed) await response.body?.cancel();
  audits.push({ id, name, status, reason });
}
console.log(JSON.stringify(audits));
