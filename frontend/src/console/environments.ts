import type { ReactiveControllerHost } from "lit";
import { environmentsDocument } from "../graphql/console-documents.ts";
import type { Environment } from "../graphql/documents.ts";
import { graphqlEndpoint } from "../graphql/endpoint.ts";
import { Failure } from "../graphql/failure.ts";
import { request } from "../graphql/request.ts";

/** The environments that the server says there are, as it last said. */
export class Environments {
  /** Null before the first answer; empty where the server does not say which there are. */
  known: readonly Environment[] | null = null;
  /** Why that is not known now. */
  failure: Failure | null = null;
  /** Resolves when what was asked last is answered, or has failed. */
  answered: Promise<void> = Promise.resolve();

  readonly #host: ReactiveControllerHost;
  #newestQuestion = 0;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
  }

  /** Asks the server. The answer that counts is that to the newest question. */
  ask(): Promise<void> {
    this.answered = this.#find();
    return this.answered;
  }

  async #find(): Promise<void> {
    const question = ++this.#newestQuestion;
    const answer = await asked();
    if (question !== this.#newestQuestion) return;
    if (answer instanceof Failure) this.failure = answer;
    else [this.known, this.failure] = [answer, null];
    this.#host.requestUpdate();
  }
}

// A node of an older version, beside the one that this page is from, has no such field, and takes any environment.
async function asked(): Promise<readonly Environment[] | Failure> {
  try {
    return (await request(graphqlEndpoint(null), environmentsDocument, {})).environments;
  } catch (thrown) {
    const failure = Failure.of(thrown);
    return failure.code === "GRAPHQL_VALIDATION_FAILED" ? [] : failure;
  }
}
