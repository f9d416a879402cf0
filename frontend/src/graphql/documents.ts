// Our documents, each paired with the types generated for it (types.ts). All viewers send the very same text, which lets the
// server execute an event once for all of them: do not build documents at run time. Those of the console page are in console-documents.ts.
import abandonDeploy from "./abandon-deploy.graphql?raw";
import auditEntryFields from "./audit-entry.graphql?raw";
import auditEntryAdded from "./audit-entry-added.graphql?raw";
import cancelDeploy from "./cancel-deploy.graphql?raw";
import deployFields from "./deploy.graphql?raw";
import deployFacts from "./deploy-facts.graphql?raw";
import deploySequence from "./deploy-sequence.graphql?raw";
import phaseChanged from "./phase-changed.graphql?raw";
import pipelineLabels from "./pipeline-labels.graphql?raw";
import redeploy from "./redeploy.graphql?raw";
import rerunFailedJobs from "./rerun-failed-jobs.graphql?raw";
import surroundings from "./surroundings.graphql?raw";
import type {
  AbandonDeployMutation,
  AbandonDeployMutationVariables,
  AuditEntryAddedSubscription,
  AuditEntryAddedSubscriptionVariables,
  AuditEntryFieldsFragment,
  CancelDeployMutation,
  CancelDeployMutationVariables,
  ComparisonQuery,
  DeployBriefFragment,
  DeployFactsFragment,
  DeployFieldsFragment,
  DeploySequenceQuery,
  DeploySequenceQueryVariables,
  EnvironmentsNowQuery,
  EnvironmentsQuery,
  IdentityQuery,
  PhaseChangedSubscription,
  PhaseChangedSubscriptionVariables,
  PipelineLabelsQuery,
  PipelineLabelsQueryVariables,
  RedeployMutation,
  RedeployMutationVariables,
  RefSuggestionsQuery,
  RerunFailedJobsMutation,
  RerunFailedJobsMutationVariables,
  SurroundingsQuery,
  SurroundingsQueryVariables,
} from "./types.ts";

export type Deploy = DeployFieldsFragment;
export type Phase = Deploy["phases"][number];
export type AuditEntry = AuditEntryFieldsFragment;
/** An entry, and what was known beside the status when it was recorded. */
export type ToldEntry = AuditEntryAddedSubscription["auditEntryAdded"];
/** What is known of a deploy beside its status: its run in GitHub's words, and what an operator has asked GitHub for. */
export type DeployFacts = DeployFactsFragment;
export type OperatorRequest = NonNullable<DeployFacts["request"]>;
/** A deploy as the environments speak of it. */
export type DeployBrief = DeployBriefFragment;
export type Surroundings = SurroundingsQuery;
export type EnvironmentNow = EnvironmentsNowQuery["environments"][number];
export type RefSuggestion = NonNullable<RefSuggestionsQuery["environment"]>["refSuggestions"][number];
export type Comparison = NonNullable<NonNullable<ComparisonQuery["environment"]>["comparison"]>;
export type Environment = EnvironmentsQuery["environments"][number];
export type Identity = IdentityQuery["identity"];

/** A document's text. The types exist for the compiler only. */
export interface Document<Result, Variables> {
  readonly text: string;
  readonly types?: (variables: Variables) => Result;
}

export const phaseChangedDocument: Document<PhaseChangedSubscription, PhaseChangedSubscriptionVariables> = {
  text: phaseChanged + deployFields + deployFacts + auditEntryFields,
};

export const auditEntryAddedDocument: Document<AuditEntryAddedSubscription, AuditEntryAddedSubscriptionVariables> = {
  text: auditEntryAdded + auditEntryFields + deployFacts,
};

/** The labels of statuses: an audit entry carries only their keys. */
export const pipelineLabelsDocument: Document<PipelineLabelsQuery, PipelineLabelsQueryVariables> = {
  text: pipelineLabels,
};

/** How far the server's log reaches: on a reconnection, less than was shown proves that it is another log. */
export const deploySequenceDocument: Document<DeploySequenceQuery, DeploySequenceQueryVariables> = {
  text: deploySequence,
};

/** What no entry tells: where a deploy waits, what has become of asking for its run, and what whoever watches may do about it. */
export const surroundingsDocument: Document<SurroundingsQuery, SurroundingsQueryVariables> = {
  text: surroundings,
};

export const cancelDeployDocument: Document<CancelDeployMutation, CancelDeployMutationVariables> = {
  text: cancelDeploy,
};

export const rerunFailedJobsDocument: Document<RerunFailedJobsMutation, RerunFailedJobsMutationVariables> = {
  text: rerunFailedJobs,
};

export const redeployDocument: Document<RedeployMutation, RedeployMutationVariables> = {
  text: redeploy,
};

export const abandonDeployDocument: Document<AbandonDeployMutation, AbandonDeployMutationVariables> = {
  text: abandonDeploy,
};
