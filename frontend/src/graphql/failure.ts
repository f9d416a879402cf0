/** A GraphQL error as it comes over either transport. */
export interface GraphQLError {
  readonly message: string;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

// A server that could not do its part, and yet knows that nothing was done.
const NOTHING_DONE = new Set(["GITHUB_UNAVAILABLE"]);

/** Why something that was asked for did not happen. `code` is the server's word where it gave one. */
export class Failure extends Error {
  readonly code: string;
  /** The input's field that the server objects to. */
  readonly field: string | null;
  /** The server's own word that nothing was done. False where that is not known, such as when no answer came. */
  readonly refused: boolean;
  /** What else the server says of it. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    message: string,
    code: string,
    field: string | null = null,
    refused = false,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.code = code;
    this.field = field;
    this.refused = refused;
    this.details = details;
  }

  /** Whatever was thrown, as one of ours. */
  static of(thrown: unknown): Failure {
    return thrown instanceof Failure ? thrown : new Failure(String(thrown), "ERROR");
  }

  /** `status` is the answer's, over HTTP: from 500 on the server does not know itself what it did. */
  static from(error: GraphQLError | undefined, status = 200): Failure {
    const details = error?.extensions ?? {};
    const { code, field } = details;
    return new Failure(
      error?.message ?? "The server gave no reason.",
      typeof code === "string" ? code : "ERROR",
      typeof field === "string" ? field : null,
      typeof code === "string" && (status < 500 || NOTHING_DONE.has(code)),
      details,
    );
  }
}
