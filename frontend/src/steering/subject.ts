import type { DeployBrief, OperatorRequest } from "../graphql/documents.ts";
import type { DeployOutcome } from "../graphql/types.ts";
import type { Action } from "./actions.ts";

/** What is to be confirmed: what is wanted, of which deploy, and what is known of it. */
export interface Subject {
  readonly action: Action;
  readonly deploy: Pick<DeployBrief, "id" | "environment" | "ref" | "commit">;
  /** Nothing was sent to GitHub for it. */
  readonly unsent: boolean;
  /** The environment's name has to be typed before a deploy is started there. */
  readonly isProtected: boolean;
  readonly attempt: number;
  readonly outcome: DeployOutcome;
  /** What was asked of GitHub before. */
  readonly request: OperatorRequest | null;
}
