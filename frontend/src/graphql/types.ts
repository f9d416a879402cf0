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

/** Which deploy is cancelled, and why. */
export type CancelInput = {
  /** The deploy's id. */
  readonly deployId: string;
  /** Whether it is to be cancelled only if GitHub was not asked for a run of it: where one was begun, or may have been, that run goes on, and nothing is recorded. */
  readonly onlyUnsent?: boolean | null | undefined;
  /** Why: one line of at most 500 characters, the message of the entry that records it. */
  readonly reason: string;
};

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

/** How far asking GitHub for the run has come. WAITING: the deploy waits for its environment. PENDING: it is asked for as soon as may be. SENDING: it is being asked for. SENT: GitHub has taken it. UNCLEAR: it was asked for, and it is not known whether GitHub has taken it; it is looked for, and never asked for again. REFUSED: GitHub has said no. WITHDRAWN: the deploy ended before it was asked for. */
export type DispatchState =
  | 'PENDING'
  | 'REFUSED'
  | 'SENDING'
  | 'SENT'
  | 'UNCLEAR'
  | 'WAITING'
  | 'WITHDRAWN';

/** Who says what an entry records. CALLBACK: a workflow has reported. GITHUB: GitHub says so of the run. OPERATOR: a named person has done it. CONSOLE: this server, which has sent something and cannot say what has become of it. */
export type EntrySource =
  | 'CALLBACK'
  | 'CONSOLE'
  | 'GITHUB'
  | 'OPERATOR';

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

/** Which deploy is deployed once more, and why. */
export type RedeployInput = {
  /** The id of the deploy whose ref and commit are deployed again. */
  readonly deployId: string;
  /** Why: one line of at most 500 characters, the message of the new deploy's first entry. */
  readonly reason: string;
  /** What the caller calls this request, as in `StartDeployInput`. */
  readonly requestId?: string | null | undefined;
};

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

/** Which deploy an operator has something to say of, and why. */
export type SteerInput = {
  /** The deploy's id. */
  readonly deployId: string;
  /** Why: one line of at most 500 characters, the message of the entry that records it. */
  readonly reason: string;
};

/** What becomes of a start while another deploy to the environment is in progress. REFUSE: it is refused. WAIT: it waits until that one has ended. */
export type WhenBusy =
  | 'REFUSE'
  | 'WAIT';

export type AbandonDeployMutationVariables = Exact<{
  input: SteerInput;
}>;


export type AbandonDeployMutation = { readonly done: { readonly id: string } };

export type AuditEntryAddedSubscriptionVariables = Exact<{
  deployId: string;
  after?: number | null | undefined;
}>;


export type AuditEntryAddedSubscription = { readonly auditEntryAdded: { readonly id: string, readonly sequence: number, readonly kind: AuditKind, readonly source: EntrySource, readonly fromStatus: string | null, readonly toStatus: string | null, readonly attempt: number, readonly actor: string, readonly refusal: string | null, readonly message: string | null, readonly runStatus: string | null, readonly runConclusion: string | null, readonly recordedAt: string, readonly deploy: { readonly runUrl: string | null, readonly run: { readonly attempt: number, readonly status: string, readonly conclusion: string | null, readonly reportedAt: string } | null, readonly request: { readonly kind: AuditKind, readonly actor: string, readonly reason: string | null, readonly requestedAt: string, readonly failure: string | null } | null } } };

export type AuditEntryFieldsFragment = { readonly id: string, readonly sequence: number, readonly kind: AuditKind, readonly source: EntrySource, readonly fromStatus: string | null, readonly toStatus: string | null, readonly attempt: number, readonly actor: string, readonly refusal: string | null, readonly message: string | null, readonly runStatus: string | null, readonly runConclusion: string | null, readonly recordedAt: string };

export type CancelDeployMutationVariables = Exact<{
  input: CancelInput;
}>;


export type CancelDeployMutation = { readonly done: { readonly id: string } };

export type ComparisonQueryVariables = Exact<{
  environment: string;
  ref: string;
}>;


export type ComparisonQuery = { readonly environment: { readonly comparison: { readonly status: string, readonly ahead: number, readonly behind: number, readonly url: string } | null } | null };

export type DeployBriefFragment = { readonly id: string, readonly environment: string, readonly ref: string, readonly commit: string | null, readonly startedBy: string, readonly startedAt: string, readonly finishedAt: string | null, readonly status: { readonly label: string } };

export type DeployFactsFragment = { readonly runUrl: string | null, readonly run: { readonly attempt: number, readonly status: string, readonly conclusion: string | null, readonly reportedAt: string } | null, readonly request: { readonly kind: AuditKind, readonly actor: string, readonly reason: string | null, readonly requestedAt: string, readonly failure: string | null } | null };

export type DeploySequenceQueryVariables = Exact<{
  id: string;
}>;


export type DeploySequenceQuery = { readonly deploy: { readonly sequence: number } | null };

export type DeployFieldsFragment = { readonly id: string, readonly environment: string, readonly ref: string, readonly commit: string | null, readonly attempt: number, readonly sequence: number, readonly startedBy: string, readonly startedAt: string, readonly updatedAt: string, readonly finishedAt: string | null, readonly runUrl: string | null, readonly pipeline: { readonly name: string }, readonly status: { readonly key: string, readonly label: string, readonly outcome: DeployOutcome }, readonly phases: ReadonlyArray<{ readonly key: string, readonly label: string, readonly position: number, readonly state: PhaseState, readonly attempt: number | null, readonly startedAt: string | null, readonly finishedAt: string | null }>, readonly run: { readonly attempt: number, readonly status: string, readonly conclusion: string | null, readonly reportedAt: string } | null, readonly request: { readonly kind: AuditKind, readonly actor: string, readonly reason: string | null, readonly requestedAt: string, readonly failure: string | null } | null };

export type DeploysQueryVariables = Exact<{
  filter?: DeployFilter | null | undefined;
  first: number;
  after?: string | null | undefined;
}>;


export type DeploysQuery = { readonly deploys: { readonly edges: ReadonlyArray<{ readonly node: { readonly id: string, readonly environment: string, readonly ref: string, readonly commit: string | null, readonly attempt: number, readonly sequence: number, readonly startedBy: string, readonly startedAt: string, readonly updatedAt: string, readonly finishedAt: string | null, readonly runUrl: string | null, readonly pipeline: { readonly name: string }, readonly status: { readonly key: string, readonly label: string, readonly outcome: DeployOutcome }, readonly phases: ReadonlyArray<{ readonly key: string, readonly label: string, readonly position: number, readonly state: PhaseState, readonly attempt: number | null, readonly startedAt: string | null, readonly finishedAt: string | null }>, readonly run: { readonly attempt: number, readonly status: string, readonly conclusion: string | null, readonly reportedAt: string } | null, readonly request: { readonly kind: AuditKind, readonly actor: string, readonly reason: string | null, readonly requestedAt: string, readonly failure: string | null } | null } }>, readonly pageInfo: { readonly hasNextPage: boolean, readonly endCursor: string | null } } };

export type EnvironmentsNowQueryVariables = Exact<{ [key: string]: never; }>;


export type EnvironmentsNowQuery = { readonly environments: ReadonlyArray<{ readonly name: string, readonly inProgress: { readonly since: string, readonly deploy: { readonly id: string, readonly environment: string, readonly ref: string, readonly commit: string | null, readonly startedBy: string, readonly startedAt: string, readonly finishedAt: string | null, readonly status: { readonly label: string } } } | null, readonly queue: ReadonlyArray<{ readonly id: string, readonly environment: string, readonly ref: string, readonly commit: string | null, readonly startedBy: string, readonly startedAt: string, readonly finishedAt: string | null, readonly status: { readonly label: string } }>, readonly deployed: { readonly id: string, readonly environment: string, readonly ref: string, readonly commit: string | null, readonly startedBy: string, readonly startedAt: string, readonly finishedAt: string | null, readonly status: { readonly label: string } } | null }> };

export type EnvironmentsQueryVariables = Exact<{ [key: string]: never; }>;


export type EnvironmentsQuery = { readonly environments: ReadonlyArray<{ readonly name: string, readonly repository: string, readonly refs: ReadonlyArray<string>, readonly commits: boolean, readonly protected: boolean, readonly dispatches: boolean, readonly whenBusy: WhenBusy, readonly url: string | null, readonly mayStart: boolean }> };

export type IdentityQueryVariables = Exact<{ [key: string]: never; }>;


export type IdentityQuery = { readonly identity: { readonly name: string, readonly role: Role | null, readonly proof: Proof, readonly rights: ReadonlyArray<Right>, readonly environments: ReadonlyArray<string> | null, readonly expiresAt: string | null } };

export type PhaseChangedSubscriptionVariables = Exact<{
  deployId: string;
  after?: number | null | undefined;
}>;


export type PhaseChangedSubscription = { readonly phaseChanged: { readonly deploy: { readonly id: string, readonly environment: string, readonly ref: string, readonly commit: string | null, readonly attempt: number, readonly sequence: number, readonly startedBy: string, readonly startedAt: string, readonly updatedAt: string, readonly finishedAt: string | null, readonly runUrl: string | null, readonly pipeline: { readonly name: string }, readonly status: { readonly key: string, readonly label: string, readonly outcome: DeployOutcome }, readonly phases: ReadonlyArray<{ readonly key: string, readonly label: string, readonly position: number, readonly state: PhaseState, readonly attempt: number | null, readonly startedAt: string | null, readonly finishedAt: string | null }>, readonly run: { readonly attempt: number, readonly status: string, readonly conclusion: string | null, readonly reportedAt: string } | null, readonly request: { readonly kind: AuditKind, readonly actor: string, readonly reason: string | null, readonly requestedAt: string, readonly failure: string | null } | null }, readonly entry: { readonly id: string, readonly sequence: number, readonly kind: AuditKind, readonly source: EntrySource, readonly fromStatus: string | null, readonly toStatus: string | null, readonly attempt: number, readonly actor: string, readonly refusal: string | null, readonly message: string | null, readonly runStatus: string | null, readonly runConclusion: string | null, readonly recordedAt: string } } };

export type PipelineLabelsQueryVariables = Exact<{
  name: string;
}>;


export type PipelineLabelsQuery = { readonly pipeline: { readonly statuses: ReadonlyArray<{ readonly key: string, readonly label: string }> } };

export type RedeployMutationVariables = Exact<{
  input: RedeployInput;
}>;


export type RedeployMutation = { readonly done: { readonly id: string } };

export type RefSuggestionsQueryVariables = Exact<{
  environment: string;
  prefix: string;
}>;


export type RefSuggestionsQuery = { readonly environment: { readonly refSuggestions: ReadonlyArray<{ readonly name: string, readonly commit: string | null }> } | null };

export type RerunFailedJobsMutationVariables = Exact<{
  input: SteerInput;
}>;


export type RerunFailedJobsMutation = { readonly done: { readonly id: string } };

export type StartDeployMutationVariables = Exact<{
  input: StartDeployInput;
}>;


export type StartDeployMutation = { readonly startDeploy: { readonly id: string } };

export type SurroundingsQueryVariables = Exact<{
  id: string;
}>;


export type SurroundingsQuery = { readonly identity: { readonly rights: ReadonlyArray<Right>, readonly environments: ReadonlyArray<string> | null }, readonly environments: ReadonlyArray<{ readonly name: string, readonly protected: boolean, readonly dispatches: boolean }>, readonly deploy: { readonly queuePosition: number | null, readonly dispatch: { readonly state: DispatchState, readonly reason: string | null, readonly runId: string | null } | null } | null };
