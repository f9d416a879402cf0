import type { ReactiveControllerHost } from "lit";
import { environmentsNowDocument } from "../graphql/console-documents.ts";
import type { EnvironmentNow } from "../graphql/documents.ts";
import { graphqlEndpoint } from "../graphql/endpoint.ts";
import { Failure } from "../graphql/failure.ts";
import { request } from "../graphql/request.ts";

/** What has succeeded last where, what is in progress there and what waits, as one query found it. Nothing changes until the next one. */
export class EnvironmentsNow {
  /** Null before the first answer; empty where the server does not say which environments there are. */
  known: readonly EnvironmentNow[] | null = null;
  /** When the answer that is shown came. */
  asOf: number | null = null;
  failure: Failure | null = null;

  readonly #host: ReactiveControllerHost;
  /** For whom it is asked: a number for each. */
  #caller = 0;
  #isAsking = false;
  #again = false;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
  }

  /** Asks anew. Asked for while a question is under way, it follows that question, once. */
  async refresh(): Promise<void> {
    if (this.#isAsking) {
      this.#again = true;
      return;
    }
    do {
      [this.#isAsking, this.#again] = [true, false];
      const caller = this.#caller;
      await this.#find();
      if (caller !== this.#caller) return;
      this.#isAsking = false;
    } while (this.#again);
  }

  async #find(): Promise<void> {
    const caller = this.#caller;
    try {
      const { environments } = await request(graphqlEndpoint(null), environmentsNowDocument, {});
      if (caller === this.#caller) [this.known, this.asOf, this.failure] = [environments, Date.now(), null];
    } catch (thrown) {
      if (caller === this.#caller) this.#failed(Failure.of(thrown));
    }
    this.#host.requestUpdate();
  }

  /** Forgets what was found, and drops what was asked for: it was for somebody who is not here any more. */
  forget(): void {
    this.#caller++;
    this.#isAsking = this.#again = false;
    [this.known, this.asOf, this.failure] = [null, null, null];
    this.#host.requestUpdate();
  }

  of(name: string | undefined): EnvironmentNow | null {
    return this.known?.find((one) => one.name === name) ?? null;
  }

  // A node of an older version knows nothing of this, which is no failure.
  #failed(failure: Failure): void {
    if (failure.code === "GRAPHQL_VALIDATION_FAILED") [this.known, this.failure] = [[], null];
    else this.failure = failure;
  }
}
