import { Failure } from "../graphql/failure.ts";
import { answer, post, read } from "../graphql/request.ts";

/** An organisation's provider, which people may sign in through. */
export interface Provider {
  readonly name: string;
}

/** Where the provider is asked who somebody is: an address to go to, not to fetch. */
export const PROVIDER_PATH = "/sign-in/provider";

/** The provider there is to sign in through, or null. Throws a `Failure` where the server does not say. */
export async function providerToSignInThrough(): Promise<Provider | null> {
  const response = await answer("/sign-in");
  if (!response.ok) throw new Failure("The server does not say how to sign in.", `HTTP_${response.status}`);
  return ((await response.json()) as { provider: Provider | null }).provider;
}

/** Has the browser given a cookie for this token. Throws a `Failure` where the server refuses. */
export async function signInWith(token: string): Promise<void> {
  await done(await post("/sign-in", { token }));
}

/** Ends the sign-in that the cookie stands for. Throws a `Failure` where the server has not. */
export async function signOut(): Promise<void> {
  await done(await post("/sign-out", {}));
}

async function done(response: Response): Promise<void> {
  if (!response.ok) throw Failure.from((await read(response)).errors?.[0], response.status);
}
