import type { DeployOutcome, PhaseState, Role } from "./graphql/types.ts";

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
