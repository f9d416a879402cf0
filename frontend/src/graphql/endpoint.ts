// The origin this very file was served from, also when a page of another origin embeds it. (Kept in a constant because Vite takes
// the expression `new URL("…", import.meta.url)` for a reference to a file of ours.)
const script = import.meta.url;

/** Where GraphQL is served: what the page says, or `/graphql` of the origin the script came from. */
export function graphqlEndpoint(given: string | null): string {
  return given ? new URL(given, document.baseURI).href : new URL("/graphql", script).href;
}

/** The same place, for a WebSocket. */
export function socketEndpoint(endpoint: string): string {
  const url = new URL(endpoint);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
