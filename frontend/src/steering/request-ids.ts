/**
 * Ids of requests, one for each content, while a form is open: whatever is sent again as it was, after a double click or an answer that was
 * lost, is the same request, and the server does it once. A form that is opened anew has new ones: what was sent long ago would be
 * answered with what has come of it then.
 */
export class RequestIds {
  readonly #known = new Map<string, string>();

  of(content: unknown): string {
    const key = JSON.stringify(content);
    const id = this.#known.get(key) ?? anId();
    this.#known.set(key, id);
    return id;
  }
}

// `crypto.randomUUID` is not there on a page that came over plain http.
function anId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
