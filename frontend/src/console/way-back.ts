import { deployIdIn } from "../routes.ts";

// Whoever signs in through the provider leaves the page, and comes back to the list, in the same tab.
const KEY = "phaseline-way-back";

/** Remembers the deploy that is to be shown after the way to the provider and back. */
export function keepWayBack(): void {
  const deployId = deployIdIn(location.pathname);
  if (deployId !== null) sessionStorage.setItem(KEY, deployId);
}

/** The deploy that was remembered, once. */
export function takeWayBack(): string | null {
  const deployId = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  return deployId;
}
