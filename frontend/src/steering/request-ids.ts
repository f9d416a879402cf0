/**
 * Ids of requests, one for each content: whatever is sent again as it was, after a double click or an answer that was lost, is the same
 * request, and the server does it once.
 */
export class RequestIds {
  readonly #known = new Map<string, string>();

  of(content: unknown): string {
    const key = JSON.stringify(content);
    const id = this.#known.get(key) ?? anId();
    this.#known.set(key, id);
    return id;
  }

  /** What was asked for has been done: to ask for the same again is another request. */
  forget(): void {
    this.#known.clear();
  }
}

// `crypto.randomUUID` is not there on a page that came over plain http.
function anId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
