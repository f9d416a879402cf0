// Whoever comes back from the provider without having been signed in comes to the list's address, with a refusal's code.
const PARAMETER = "sign-in";

/** The code, once: it goes out of the address, so that it is not said again when the page is loaded anew. */
export function takeProviderFailure(): string | null {
  const address = new URL(location.href);
  const code = address.searchParams.get(PARAMETER);
  if (code === null) return null;
  address.searchParams.delete(PARAMETER);
  history.replaceState(null, "", address);
  return code;
}

export function providerWords(code: string): string {
  switch (code) {
    case "FORBIDDEN":
      return "The provider knows you, but you have no role here.";
    case "UNAVAILABLE":
      return "The provider could not be asked. Try again later.";
    case "RATE_LIMITED":
      return "There were too many attempts. Wait ten seconds, and try again.";
    case "UNAUTHENTICATED":
      return "The provider has not said who you are. Try again.";
  }
  return "You could not be signed in. Try again.";
}
