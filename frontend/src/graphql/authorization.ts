import { Failure } from "./failure.ts";

/**
 * What proves who watches, where no cookie does: the whole value of an `Authorization` header, such as `Bearer phl_…`, or a function
 * that gives it. The function is asked anew for every connection, so that it can give a fresh one.
 */
export type Authorization = string | (() => string | Promise<string>);

/** What proves it now: what a socket's first message says of it, and a request's header. Throws a `Failure` where the page cannot tell. */
export async function proofOf(authorization: Authorization | null): Promise<{ authorization: string } | undefined> {
  try {
    const value = typeof authorization === "function" ? await authorization() : authorization;
    return value ? { authorization: value } : undefined;
  } catch {
    throw new Failure("This page could not say who is watching.", "NO_AUTHORIZATION", null, true);
  }
}
