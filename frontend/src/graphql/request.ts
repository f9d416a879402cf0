import { proofOf, type Authorization } from "./authorization.ts";
import type { Document } from "./documents.ts";
import { Failure, type GraphQLError } from "./failure.ts";

const PATIENCE_MS = 15_000;
// What is to be done may take the server several questions to GitHub, each with a patience of its own: its honest answer is to be heard.
const PATIENCE_TO_DO_MS = 60_000;

/** One query or mutation over HTTP, as whoever the cookie or `authorization` proves. Throws a `Failure`, whatever went wrong. */
export async function request<Result, Variables>(
  endpoint: string,
  document: Document<Result, Variables>,
  variables: Variables,
  authorization: Authorization | null = null,
): Promise<Result> {
  const proof = await proofOf(authorization);
  const patience = document.text.startsWith("mutation") ? PATIENCE_TO_DO_MS : PATIENCE_MS;
  const response = await post(endpoint, { query: document.text, variables }, proof, patience);
  const body = await read<Result>(response);
  if (body.errors?.length) throw Failure.from(body.errors[0], response.status);
  if (!body.data) throw new Failure(`The server answered HTTP ${response.status}, without data.`, `HTTP_${response.status}`);
  return body.data;
}

/** Sends JSON, with these headers beside the usual ones. Throws a `Failure` where no answer comes. */
export async function post(
  address: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
  patience = PATIENCE_MS,
): Promise<Response> {
  const asked = {
    method: "POST",
    headers: {
      accept: "application/graphql-response+json, application/json",
      "content-type": "application/json",
      ...headers,
    },
    body: JSON.stringify(body),
  };
  return answer(address, asked, patience);
}

/** What comes back. Throws a `Failure` where nothing does. */
export async function answer(address: string, asked: RequestInit = {}, patience = PATIENCE_MS): Promise<Response> {
  try {
    return await fetch(address, { ...asked, signal: AbortSignal.timeout(patience) });
  } catch {
    throw new Failure("No answer came from the server.", "UNREACHABLE");
  }
}

/** The form of every answer, and of every refusal also where no GraphQL was asked. */
interface Answer<Result> {
  readonly data?: Result | null;
  readonly errors?: readonly GraphQLError[];
}

/** Throws a `Failure` where the answer is not in JSON. */
export async function read<Result>(response: Response): Promise<Answer<Result>> {
  try {
    return (await response.json()) as Answer<Result>;
  } catch {
    // A proxy in between answers in HTML, or the connection broke half-way.
    throw new Failure(`The server answered HTTP ${response.status}, and not in JSON.`, `HTTP_${response.status}`);
  }
}
