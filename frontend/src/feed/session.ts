import { createClient, type FormattedExecutionResult } from "graphql-ws/client";
import { proofOf, type Authorization } from "../graphql/authorization.ts";
import type { Document } from "../graphql/documents.ts";
import { Failure, type GraphQLError } from "../graphql/failure.ts";

// A connection can die without a word (a closed lid, a lost route). A ping 4 s after the last pong, and 3 s for its answer, notice
// that within 7 s; 10 s are allowed, and a tab in the background may be late by a second for each timer.
const PING_EVERY_MS = 4_000;
const PONG_WITHIN_MS = 3_000;
const ACKNOWLEDGED_WITHIN_MS = 8_000;

// How the protocol says that who calls may not. Where the server closes a socket because it refuses something, the reason is the
// refusal's code.
const FORBIDDEN = 4403;
const REFUSAL_CODE = /^[A-Z]+(_[A-Z]+)*$/;

export interface SessionEvents {
  /** The server was heard: any message, or an answer to a ping. */
  heard(): void;
  /** The session is over, for this reason. Called once, and never after `close()`. */
  ended(failure: Failure): void;
}

/**
 * One WebSocket, from opening to its end. It does not reconnect: graphql-ws would repeat each subscription with the variables it
 * began with, while ours must go on after the last entry received, so every reconnection is a new session.
 */
export class Session {
  readonly #client;
  readonly #events: SessionEvents;
  readonly #unsubscribe: (() => void)[] = [];
  /** Two deadlines, because a server may answer pings and yet never acknowledge. */
  readonly #acknowledgement: ReturnType<typeof setTimeout>;
  #pong: ReturnType<typeof setTimeout> | undefined;
  #operations = 0;
  #acknowledged = false;
  #over = false;

  constructor(url: string, authorization: Authorization | null, events: SessionEvents) {
    this.#events = events;
    this.#acknowledgement = this.#giveUpAfter(ACKNOWLEDGED_WITHIN_MS, "The server did not answer.");
    this.#client = createClient({
      url,
      connectionParams: () => this.#payload(authorization),
      retryAttempts: 0,
      generateID: () => String(++this.#operations),
      keepAlive: PING_EVERY_MS,
      on: {
        connected: () => {
          this.#acknowledged = true;
          clearTimeout(this.#acknowledgement);
        },
        ping: (received) => {
          if (!received) this.#pong = this.#giveUpAfter(PONG_WITHIN_MS, "The server stopped answering.");
        },
        message: () => {
          clearTimeout(this.#pong);
          if (!this.#over) events.heard();
        },
      },
    });
  }

  /** Follows a subscription. Its end, however it comes, ends the session: half a feed would be shown as a whole one. */
  follow<Result, Variables extends Record<string, unknown>>(
    document: Document<Result, Variables>,
    variables: Variables,
    receive: (data: Result) => void,
  ): void {
    this.#subscribe(document, variables, {
      next: (result) => (result.data ? receive(result.data) : this.#end(Failure.from(result.errors?.[0]))),
      error: (reason) => this.#end(failureFrom(reason)),
      complete: () => this.#end(new Failure("The server ended the feed.", "ENDED")),
    });
  }

  /** Asks once. The session goes on whatever the answer is; `refused` hears of one that is none. */
  ask<Result, Variables extends Record<string, unknown>>(
    document: Document<Result, Variables>,
    variables: Variables,
    receive: (data: Result) => void,
    refused: (failure: Failure) => void = () => {},
  ): void {
    this.#subscribe(document, variables, {
      // Beside errors there may be data, in which a null says nothing.
      next: ({ data, errors }) => (data && !errors?.length ? receive(data) : refused(Failure.from(errors?.[0]))),
      error: (reason) => refused(failureFrom(reason)),
      complete: () => {},
    });
  }

  close(): void {
    this.#over = true;
    clearTimeout(this.#acknowledgement);
    clearTimeout(this.#pong);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    // A connection that was never acknowledged would otherwise be left to the browser's own time-out.
    if (!this.#acknowledged) this.#client.terminate();
  }

  async #payload(authorization: Authorization | null): ReturnType<typeof proofOf> {
    try {
      return await proofOf(authorization);
    } catch (failure) {
      this.#end(failure as Failure);
      return undefined;
    }
  }

  #subscribe<Result, Variables extends Record<string, unknown>>(
    document: Document<Result, Variables>,
    variables: Variables,
    sink: {
      next(result: FormattedExecutionResult<Result, unknown>): unknown;
      error(reason: unknown): void;
      complete(): void;
    },
  ): void {
    const guarded = {
      next: (result: FormattedExecutionResult<Result, unknown>) => void (this.#over || sink.next(result)),
      error: (reason: unknown) => void (this.#over || sink.error(reason)),
      complete: sink.complete,
    };
    this.#unsubscribe.push(this.#client.subscribe<Result>({ query: document.text, variables }, guarded));
  }

  #giveUpAfter(milliseconds: number, reason: string): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#end(new Failure(reason, "SILENT")), milliseconds);
  }

  #end(failure: Failure): void {
    if (this.#over) return;
    this.close();
    this.#events.ended(failure);
  }
}

// graphql-ws hands on whatever ended a subscription: the server's errors, a close event, or the browser's mute error event.
function failureFrom(reason: unknown): Failure {
  if (Array.isArray(reason)) return Failure.from(reason[0] as GraphQLError);
  const { code, reason: text } = reason as { code?: unknown; reason?: unknown };
  if (typeof code !== "number") return new Failure("The server could not be reached.", "UNREACHABLE");
  if (typeof text === "string" && REFUSAL_CODE.test(text)) return new Failure("The server closed the connection.", text);
  if (code === FORBIDDEN) return new Failure("The server closed the connection.", "FORBIDDEN");
  return new Failure(typeof text === "string" && text ? text : "The connection was closed.", `CLOSED_${code}`);
}
