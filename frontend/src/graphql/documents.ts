// Our documents, each paired with the types generated for it (types.ts). All viewers send the very same text, which lets the
// server execute an event once for all of them: do not build documents at run time.
import auditEntryFields from "./audit-entry.graphql?raw";
import auditEntryAdded from "./audit-entry-added.graphql?raw";
import deployFields from "./deploy.graphql?raw";
import deploySequence from "./deploy-sequence.graphql?raw";
import deploys from "./deploys.graphql?raw";
import environments from "./environments.graphql?raw";
import identity from "./identity.graphql?raw";
import phaseChanged from "./phase-changed.graphql?raw";
import pipelineLabels from "./pipeline-labels.graphql?raw";
import startDeploy from "./start-deploy.graphql?raw";
import type {
  AuditEntryAddedSubscription,
  AuditEntryAddedSubscriptionVariables,
  AuditEntryFieldsFragment,
  DeployFieldsFragment,
  DeploySequenceQuery,
  DeploySequenceQueryVariables,
  DeploysQuery,
  DeploysQueryVariables,
  EnvironmentsQuery,
  EnvironmentsQueryVariables,
  IdentityQuery,
  IdentityQueryVariables,
  PhaseChangedSubscription,
  PhaseChangedSubscriptionVariables,
  PipelineLabelsQuery,
  PipelineLabelsQueryVariables,
  StartDeployMutation,
  StartDeployMutationVariables,
} from "./types.ts";

export type Deploy = DeployFieldsFragment;
export type Phase = Deploy["phases"][number];
export type AuditEntry = AuditEntryFieldsFragment;
export type Environment = EnvironmentsQuery["environments"][number];
export type Identity = IdentityQuery["identity"];

/** A document's text. The types exist for the compiler only. */
export interface Document<Result, Variables> {
  readonly text: string;
  readonly types?: (variables: Variables) => Result;
}

export const phaseChangedDocument: Document<PhaseChangedSubscription, PhaseChangedSubscriptionVariables> = {
  text: phaseChanged + deployFields + auditEntryFields,
};

export const auditEntryAddedDocument: Document<AuditEntryAddedSubscription, AuditEntryAddedSubscriptionVariables> = {
  text: auditEntryAdded + auditEntryFields,
};

/** The labels of statuses: an audit entry carries only their keys. */
export const pipelineLabelsDocument: Document<PipelineLabelsQuery, PipelineLabelsQueryVariables> = {
  text: pipelineLabels,
};

/** How far the server's log reaches: on a reconnection, less than was shown proves that it is another log. */
export const deploySequenceDocument: Document<DeploySequenceQuery, DeploySequenceQueryVariables> = {
  text: deploySequence,
};

export const deploysDocument: Document<DeploysQuery, DeploysQueryVariables> = {
  text: deploys + deployFields,
};

export const startDeployDocument: Document<StartDeployMutation, StartDeployMutationVariables> = {
  text: startDeploy,
};

/** Where deploys may go, and where this caller may start them. */
export const environmentsDocument: Document<EnvironmentsQuery, EnvironmentsQueryVariables> = {
  text: environments,
};

/** Who is calling, by whatever came with the call; an answer is given to anybody. */
export const identityDocument: Document<IdentityQuery, IdentityQueryVariables> = {
  text: identity,
};
