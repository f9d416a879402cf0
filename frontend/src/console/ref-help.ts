import { html, nothing, type ReactiveControllerHost, type TemplateResult } from "lit";
import { comparisonDocument, refSuggestionsDocument } from "../graphql/console-documents.ts";
import type { Comparison, Environment, RefSuggestion } from "../graphql/documents.ts";
import { graphqlEndpoint } from "../graphql/endpoint.ts";
import { request } from "../graphql/request.ts";
import { externalIcon } from "../look/icons.ts";
import { said } from "../look/said.ts";
import { isWebAddress } from "../modal/facts.ts";
import { shortCommit } from "../words.ts";
import { AsTyped, type Typed } from "./as-typed.ts";

const AFTER_MS = 250;

const WHOLE_COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/i;

/** What GitHub knows of the ref that somebody is typing: which ones there are, and what would change. Whatever is typed can be sent. */
export class RefHelp {
  readonly #suggestions: AsTyped<readonly RefSuggestion[]>;
  readonly #comparison: AsTyped<Comparison>;

  constructor(host: ReactiveControllerHost) {
    this.#suggestions = new AsTyped(host, (typed) => this.#suggest(typed), AFTER_MS);
    this.#comparison = new AsTyped(host, comparisonOf, AFTER_MS);
  }

  /** Another environment was chosen, or another ref was typed for it. Nothing is asked where GitHub is not to be asked. */
  look(environment: Environment | null, ref: string, chosenAnew = false): void {
    if (!environment?.dispatches) return this.forget();
    const { name } = environment;
    if (this.#suggestions.about?.environment !== name) this.forget();
    const typed = { environment: name, text: ref };
    this.#suggestions.type(typed, chosenAnew);
    if (environment.commits && WHOLE_COMMIT.test(ref)) this.#comparison.type(typed, chosenAnew);
  }

  forget(): void {
    this.#suggestions.forget();
    this.#comparison.forget();
  }

  // Only what GitHub has is compared: half of a name is no ref, and to ask for it would be answered with an error.
  async #suggest(typed: Typed): Promise<readonly RefSuggestion[] | null> {
    const found = await suggestionsFor(typed);
    if (found?.some(({ name }) => [name, `refs/heads/${name}`, `refs/tags/${name}`].includes(typed.text))) this.#comparison.type(typed, true);
    return found;
  }

  /** The options of the field's list. */
  get options(): TemplateResult[] {
    return (this.#suggestions.answer ?? []).map(
      ({ name, commit }) => html`<option value=${name}>${commit ? shortCommit(commit) : nothing}</option>`,
    );
  }

  /** What would change if this ref were deployed, or why that is not known. Nothing where there is nothing to compare it with. */
  changes(ref: string): TemplateResult | typeof nothing {
    const { answer, about } = this.#comparison;
    const failure = this.#comparison.whyNot(ref) ?? this.#suggestions.whyNot(ref);
    if (ref && failure && failure.code !== "GRAPHQL_VALIDATION_FAILED") return html`What would change is not known: ${said(failure)}`;
    return answer && about?.text === ref ? changeWords(answer) : nothing;
  }
}

async function suggestionsFor({ environment, text }: Typed): Promise<readonly RefSuggestion[] | null> {
  const found = await request(graphqlEndpoint(null), refSuggestionsDocument, { environment, prefix: text });
  return found.environment?.refSuggestions ?? null;
}

async function comparisonOf({ environment, text }: Typed): Promise<Comparison | null> {
  const found = await request(graphqlEndpoint(null), comparisonDocument, { environment, ref: text });
  return found.environment?.comparison ?? null;
}

function changeWords({ status, ahead, behind, url }: Comparison): TemplateResult {
  const same = status === "identical";
  const words = same ? "The same commit as what succeeded last." : html`Against what succeeded last: ${commits(ahead)} ahead, ${behind} behind.`;
  const page = isWebAddress(url) && !same;
  return html`${words} ${page
    ? html`<a href=${url} target="_blank" rel="noopener noreferrer">See what would change${externalIcon}<span class="unseen">(in a new tab)</span></a>`
    : nothing}`;
}

function commits(count: number): string {
  return count === 1 ? "1 commit" : `${count} commits`;
}
