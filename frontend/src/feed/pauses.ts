const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
const SHORTEST_MS = 250;

const ELSEWHERE_WITHIN_MS = 500;

/**
 * How long to wait before try `attempt` (1, 2, 3 …), in milliseconds. The ceiling doubles with each try, and the pause is anywhere
 * below it: when a server returns, its viewers must not all knock at the same moment.
 */
export function pauseBefore(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1));
  return Math.max(SHORTEST_MS, Math.round(random() * ceiling));
}

/**
 * How long to wait where the server that stops has sent its viewers elsewhere, in milliseconds. At once, to the eye: another server
 * is there, and it need only be spared that all of them come in the same moment.
 */
export function pauseBeforeElsewhere(random: () => number = Math.random): number {
  return Math.round(random() * ELSEWHERE_WITHIN_MS);
}
