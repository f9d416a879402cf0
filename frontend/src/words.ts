import type { DeployOutcome, EntrySource, PhaseState, Role } from "./graphql/types.ts";

// The only words the screen has of its own. Labels of phases and statuses are the server's.

export const phaseStateWords: Record<PhaseState, string> = {
  PENDING: "Pending",
  ACTIVE: "Active",
  PASSED: "Passed",
  FAILED: "Failed",
  CANCELLED: "Cancelled",
  NOT_REPORTED: "Not reported",
};

/** What the server said, as a sentence of its own: its messages begin small, and end without a full stop. */
export function sentence(message: string): string {
  const begun = message.charAt(0).toUpperCase() + message.slice(1);
  return begun === "" || /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

export const roleWords: Record<Role, string> = {
  WORKFLOW: "Workflow",
  OPERATOR: "Operator",
  VIEWER: "Viewer",
  TOOL: "Tool",
};

export const outcomeWords: Record<DeployOutcome, string> = {
  IN_PROGRESS: "In progress",
  SUCCEEDED: "Succeeded",
  FAILED: "Failed",
  CANCELLED: "Cancelled",
  ABANDONED: "Abandoned",
};

/** Who says what an entry records, in a word. */
export const sourceWords: Record<EntrySource, string> = {
  CALLBACK: "Workflow",
  GITHUB: "GitHub",
  OPERATOR: "Operator",
  CONSOLE: "Console",
};

/** A commit as people write it. */
export function shortCommit(commit: string): string {
  return commit.slice(0, 7);
}

/** "1st", "2nd", "3rd", "11th". */
export function ordinal(place: number): string {
  const [ones, tens] = [place % 10, place % 100];
  const ending = tens >= 11 && tens <= 13 ? undefined : ["th", "st", "nd", "rd"][ones];
  return `${place}${ending ?? "th"}`;
}
