// The documents that the console page alone asks with: the modal's script, which travels to other pages, has none of them.
import comparison from "./comparison.graphql?raw";
import deployFields from "./deploy.graphql?raw";
import deployBrief from "./deploy-brief.graphql?raw";
import deployFacts from "./deploy-facts.graphql?raw";
import deploys from "./deploys.graphql?raw";
import environments from "./environments.graphql?raw";
import environmentsNow from "./environments-now.graphql?raw";
import identity from "./identity.graphql?raw";
import refSuggestions from "./ref-suggestions.graphql?raw";
import startDeploy from "./start-deploy.graphql?raw";
import type { Document } from "./documents.ts";
import type {
  ComparisonQuery,
  ComparisonQueryVariables,
  DeploysQuery,
  DeploysQueryVariables,
  EnvironmentsNowQuery,
  EnvironmentsNowQueryVariables,
  EnvironmentsQuery,
  EnvironmentsQueryVariables,
  IdentityQuery,
  IdentityQueryVariables,
  RefSuggestionsQuery,
  RefSuggestionsQueryVariables,
  StartDeployMutation,
  StartDeployMutationVariables,
} from "./types.ts";

export const deploysDocument: Document<DeploysQuery, DeploysQueryVariables> = {
  text: deploys + deployFields + deployFacts,
};

export const startDeployDocument: Document<StartDeployMutation, StartDeployMutationVariables> = {
  text: startDeploy,
};

/** Where deploys may go, and where this caller may start them. */
export const environmentsDocument: Document<EnvironmentsQuery, EnvironmentsQueryVariables> = {
  text: environments,
};

/** What is deployed where, what is in progress there, and what waits for it. */
export const environmentsNowDocument: Document<EnvironmentsNowQuery, EnvironmentsNowQueryVariables> = {
  text: environmentsNow + deployBrief,
};

/** Refs that GitHub has and the environment allows, for whoever types one. */
export const refSuggestionsDocument: Document<RefSuggestionsQuery, RefSuggestionsQueryVariables> = {
  text: refSuggestions,
};

/** What would change if a ref were deployed. */
export const comparisonDocument: Document<ComparisonQuery, ComparisonQueryVariables> = {
  text: comparison,
};

/** Who is calling, by whatever came with the call; an answer is given to anybody. */
export const identityDocument: Document<IdentityQuery, IdentityQueryVariables> = {
  text: identity,
};
