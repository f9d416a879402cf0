import type { ReactiveControllerHost } from "lit";
import { deploysDocument } from "../graphql/console-documents.ts";
import type { Deploy } from "../graphql/documents.ts";
import { graphqlEndpoint } from "../graphql/endpoint.ts";
import { Failure } from "../graphql/failure.ts";
import { request } from "../graphql/request.ts";
import type { DeployFilter } from "../graphql/types.ts";

const PAGE = 20;

/** The deploys as one query found them, and when it did. Nothing here changes until the next query. */
export class DeployList {
  /** Null before the first answer. */
  deploys: readonly Deploy[] | null = null;
  /** When the answer that is shown came. */
  asOf: number | null = null;
  failure: Failure | null = null;
  busy = false;
  filter: DeployFilter = {};
  hasMore = false;

  readonly #host: ReactiveControllerHost;
  /** Called where the server does not know, or no longer, who asks. */
  readonly #onUnauthenticated: () => void;
  readonly #endpoint = graphqlEndpoint(null);
  #cursor: string | null = null;
  #newestQuery = 0;
  #again = false;

  constructor(host: ReactiveControllerHost, onUnauthenticated: () => void) {
    this.#host = host;
    this.#onUnauthenticated = onUnauthenticated;
  }

  /** Forgets what was found, and drops what was asked for: it was for somebody who is not here any more. */
  forget(): void {
    this.#newestQuery++;
    this.#again = false;
    this.filter = {};
    this.#change({ deploys: null, asOf: null, failure: null, busy: false, hasMore: false });
  }

  /** Asks anew for as many deploys as are shown. Asked for while a query is under way, it follows that query. */
  async refresh(): Promise<void> {
    if (this.busy) {
      this.#again = true;
      return;
    }
    const shown = this.deploys?.length ?? 0;
    await this.#load([], null, Math.max(shown, PAGE));
  }

  async filterBy(filter: DeployFilter): Promise<void> {
    this.filter = filter;
    this.busy = false;
    await this.#load([], null, PAGE);
  }

  /** The next page. The rows already shown stay as old as they are, and so does `asOf`. */
  async more(): Promise<void> {
    const shown = this.deploys ?? [];
    if (!this.busy && this.hasMore) await this.#load(shown, this.#cursor, shown.length + PAGE);
  }

  // An answer that comes after a newer question was asked is dropped.
  async #load(found: readonly Deploy[], cursor: string | null, wanted: number): Promise<void> {
    const query = ++this.#newestQuery;
    const begun = found.length === 0;
    this.#change({ busy: true });
    try {
      let hasMore: boolean;
      do {
        const { deploys } = await request(this.#endpoint, deploysDocument, { filter: this.filter, first: PAGE, after: cursor });
        if (query !== this.#newestQuery) return;
        found = [...found, ...deploys.edges.map(({ node }) => node)];
        cursor = deploys.pageInfo.endCursor;
        hasMore = deploys.pageInfo.hasNextPage;
      } while (hasMore && found.length < wanted);
      this.#cursor = cursor;
      this.#change({ busy: false, failure: null, deploys: found, hasMore, ...(begun ? { asOf: Date.now() } : {}) });
    } catch (failure) {
      if (query !== this.#newestQuery) return;
      this.#change({ busy: false, failure: Failure.of(failure) });
      if (this.failure?.code === "UNAUTHENTICATED") this.#onUnauthenticated();
    }
    if (this.#again) {
      this.#again = false;
      await this.refresh();
    }
  }

  #change(change: Partial<Pick<DeployList, "busy" | "failure" | "deploys" | "hasMore" | "asOf">>): void {
    Object.assign(this, change);
    this.#host.requestUpdate();
  }
}
