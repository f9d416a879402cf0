/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
/** What an audit entry records. DEPLOY_STARTED: that an operator started the deploy. TRANSITION: that it moved along the graph, as the entry's source says. CALLBACK_REFUSED: that a callback was refused. The others move nothing. RUN_REPORTED: what GitHub says of the run. DISPATCH_UNCLEAR: that the run was asked for, and it is not known whether it was begun. CANCEL_REQUESTED and RERUN_REQUESTED: that an operator has asked GitHub for it. REQUEST_FAILED: that GitHub has refused that, or was not reached, or that it is not known what it has done. */
export type AuditKind =
  | 'CALLBACK_REFUSED'
  | 'CANCEL_REQUESTED'
  | 'DEPLOY_STARTED'
  | 'DISPATCH_UNCLEAR'
  | 'REQUEST_FAILED'
  | 'RERUN_REQUESTED'
  | 'RUN_REPORTED'
  | 'TRANSITION';

/** Which deploys are wanted; what is not given does not matter. */
export type DeployFilter = {
  /** Those of it. */
  readonly environment?: string | null | undefined;
  /** Those that stand so. */
  readonly outcome?: DeployOutcome | null | undefined;
  /** Those started after this time. */
  readonly startedAfter?: string | null | undefined;
  /** Those started before this time. */
  readonly startedBefore?: string | null | undefined;
};

/** How a deploy stands as a whole. IN_PROGRESS until an end is reported; the others are ends. ABANDONED: nobody will report on it any more, as an operator says. */
export type DeployOutcome =
  | 'ABANDONED'
  | 'CANCELLED'
  | 'FAILED'
  | 'IN_PROGRESS'
  | 'SUCCEEDED';

/** What the log says of a phase. PENDING: nothing yet, and the deploy has not passed it. NOT_REPORTED: a later phase has reported, or the deploy has ended, and this one never reported, or began and never said how it ended (then startedAt is set). Never shown as passed. */
export type PhaseState =
  | 'ACTIVE'
  | 'CANCELLED'
  | 'FAILED'
  | 'NOT_REPORTED'
  | 'PASSED'
  | 'PENDING';

/** How it was proven who is calling: not at all, by a token, by a browser that is signed in, or by the ID token of a workflow run. */
export type Proof =
  | 'ID_TOKEN'
  | 'NOTHING'
  | 'SIGN_IN'
  | 'TOKEN';

/** Something that a caller may be allowed to do. */
export type Right =
  | 'READ_AUDIT'
  | 'READ_DEPLOYS'
  | 'SEND_CALLBACKS'
  | 'START_DEPLOYS'
  | 'STEER_DEPLOYS';

/** What kind of caller it is. WORKFLOW: sends callbacks. OPERATOR: reads, starts deploys, and steers them. VIEWER: reads. TOOL: reads the audit history. */
export type Role =
  | 'OPERATOR'
  | 'TOOL'
  | 'VIEWER'
  | 'WORKFLOW';

/** What an operator starts. */
export type StartDeployInput = {
  /** Where it goes, such as `production`: one line of at most 64 characters. */
  readonly environment: string;
  /** Why: one line of at most 500 characters, the message of its first entry. */
  readonly note?: string | null | undefined;
  /** The transition graph it will follow. */
  readonly pipeline?: string | null | undefined;
  /** A branch, a tag or a commit: one line of at most 255 characters. */
  readonly ref: string;
  /** What the caller calls this request, such as a UUID that a form has made when it was opened: one line of at most 64 characters. The same request of the same caller is answered with the deploy that it has started, and starts no other. */
  readonly requestId?: string | null | undefined;
};

export type AuditEntryAddedSubscriptionVariables = Exact<{
  deployId: string;
  after?: number | null | undefined;
}>;


export type AuditEntryAddedSubscription = { readonly auditEntryAdded: { readonly id: string, readonly sequence: number, readonly kind: AuditKind, readonly fromStatus: string | null, readonly toStatus: string | null, readonly attempt: number, readonly actor: string, readonly refusal: string | null, readonly message: string | null, readonly runStatus: string | null, readonly runConclusion: string | null, readonly recordedAt: string } };

export type AuditEntryFieldsFragment = { readonly id: string, readonly sequence: number, readonly kind: AuditKind, readonly fromStatus: string | null, readonly toStatus: string | null, readonly attempt: number, readonly actor: string, readonly refusal: string | null, readonly message: string | null, readonly runStatus: string | null, readonly runConclusion: string | null, readonly recordedAt: string };

export type DeploySequenceQueryVariables = Exact<{
  id: string;
}>;


export type DeploySequenceQuery = { readonly deploy: { readonly sequence: number } | null };

export type DeployFieldsFragment = { readonly id: string, readonly environment: string, readonly ref: string, readonly attempt: number, readonly sequence: number, readonly startedBy: string, readonly startedAt: string, readonly updatedAt: string, readonly finishedAt: string | null, readonly runUrl: string | null, readonly pipeline: { readonly name: string }, readonly status: { readonly key: string, readonly label: string, readonly outcome: DeployOutcome }, readonly phases: ReadonlyArray<{ readonly key: string, readonly label: string, readonly position: number, readonly state: PhaseState, readonly attempt: number | null, readonly startedAt: string | null, readonly finishedAt: string | null }> };

export type DeploysQueryVariables = Exact<{
  filter?: DeployFilter | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type DeploysQuery = { readonly deploys: { readonly edges: ReadonlyArray<{ readonly node: { readonly id: string, readonly environment: string, readonly ref: string, readonly attempt: number, readonly sequence: number, readonly startedBy: string, readonly startedAt: string, readonly updatedAt: string, readonly finishedAt: string | null, readonly runUrl: string | null, readonly pipeline: { readonly name: string }, readonly status: { readonly key: string, readonly label: string, readonly outcome: DeployOutcome }, readonly phases: ReadonlyArray<{ readonly key: string, readonly label: string, readonly position: number, readonly state: PhaseState, readonly attempt: number | null, readonly startedAt: string | null, readonly finishedAt: string | null }> } }>, readonly pageInfo: { readonly hasNextPage: boolean, readonly endCursor: string | null } } };

export type EnvironmentsQueryVariables = Exact<{ [key: string]: never; }>;


export type EnvironmentsQuery = { readonly environments: ReadonlyArray<{ readonly name: string, readonly repository: string, readonly refs: ReadonlyArray<string>, readonly commits: boolean, readonly protected: boolean, readonly url: string | null, readonly mayStart: boolean }> };

export type IdentityQueryVariables = Exact<{ [key: string]: never; }>;


export type IdentityQuery = { readonly identity: { readonly name: string, readonly role: Role | null, readonly proof: Proof, readonly rights: ReadonlyArray<Right>, readonly environments: ReadonlyArray<string> | null, readonly expiresAt: string | null } };

export type PhaseChangedSubscriptionVariables = Exact<{
  deployId: string;
  after?: number | null | undefined;
}>;


export type PhaseChangedSubscription = { readonly phaseChanged: { readonly deploy: { readonly id: string, readonly environment: string, readonly ref: string, readonly attempt: number, readonly sequence: number, readonly startedBy: string, readonly startedAt: string, readonly updatedAt: string, readonly finishedAt: string | null, readonly runUrl: string | null, readonly pipeline: { readonly name: string }, readonly status: { readonly key: string, readonly label: string, readonly outcome: DeployOutcome }, readonly phases: ReadonlyArray<{ readonly key: string, readonly label: string, readonly position: number, readonly state: PhaseState, readonly attempt: number | null, readonly startedAt: string | null, readonly finishedAt: string | null }> }, readonly entry: { readonly id: string, readonly sequence: number, readonly kind: AuditKind, readonly fromStatus: string | null, readonly toStatus: string | null, readonly attempt: number, readonly actor: string, readonly refusal: string | null, readonly message: string | null, readonly runStatus: string | null, readonly runConclusion: string | null, readonly recordedAt: string } } };

export type PipelineLabelsQueryVariables = Exact<{
  name: string;
}>;


export type PipelineLabelsQuery = { readonly pipeline: { readonly statuses: ReadonlyArray<{ readonly key: string, readonly label: string }> } };

export type StartDeployMutationVariables = Exact<{
  input: StartDeployInput;
}>;


export type StartDeployMutation = { readonly startDeploy: { readonly id: string } };
