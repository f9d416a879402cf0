/** A GraphQL error as it comes over either transport. */
export interface GraphQLError {
  readonly message: string;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

/** Why something that was asked for did not happen. `code` is the server's word where it gave one. */
export class Failure extends Error {
  readonly code: string;
  /** The input's field that the server objects to. */
  readonly field: string | null;

  constructor(message: string, code: string, field: string | null = null) {
    super(message);
    this.code = code;
    this.field = field;
  }

  static from(error: GraphQLError | undefined): Failure {
    const { code, field } = error?.extensions ?? {};
    return new Failure(
      error?.message ?? "The server gave no reason.",
      typeof code === "string" ? code : "ERROR",
      typeof field === "string" ? field : null,
    );
  }
}
