import { html, LitElement, nothing, type TemplateResult } from "lit";
import { startDeployDocument } from "../graphql/console-documents.ts";
import type { Environment } from "../graphql/documents.ts";
import { graphqlEndpoint } from "../graphql/endpoint.ts";
import { Failure } from "../graphql/failure.ts";
import { request } from "../graphql/request.ts";
import type { StartDeployInput } from "../graphql/types.ts";
import { fieldStyles, formDialogStyles } from "../look/form.styles.ts";
import { closeIcon } from "../look/icons.ts";
import { said } from "../look/said.ts";
import { common, tokens } from "../look/tokens.styles.ts";
import { RequestIds } from "../steering/request-ids.ts";
import { deployLink } from "./deploy-link.ts";
import { anyEnvironment, choicesUnknown, environmentHint, environmentSelect, onlyChoice, refHint, type FieldState } from "./environment-choice.ts";
import { environmentStanding } from "./environment-standing.ts";
import type { EnvironmentsNow } from "./environments-now.ts";
import { RefHelp } from "./ref-help.ts";
import { startFailure } from "./start-failure.ts";
import { startFormStyles } from "./start-form.styles.ts";

const FIELDS = ["environment", "ref", "note", "confirmation"] as const;
type Field = (typeof FIELDS)[number];

/**
 * A dialog that starts a deploy. `show()` opens it. Events: `phaseline-started`, with the new deploy's id as `detail.deployId`, and
 * `phaseline-start-unknown` where it is not known whether one was started; `phaseline-unauthenticated` and then `phaseline-sign-in`
 * where the server did not know (any longer) who starts it; `phaseline-ask-environments`, where they should be asked for again;
 * `phaseline-look`, where it should be asked anew what is in progress; `phaseline-show`, with `detail.deployId`, where that deploy is
 * wanted to be seen.
 * Properties: `environments`, to suggest; `onlyThese`: no others may be deployed to, and where it is one it is filled in.
 * `choices`: the environments that the server says there are, of which one is to be chosen; empty: it does not say so, and any may
 * be named; null: that is not known yet, or, with `choicesFailure`, why it is not, and nothing is started until it is.
 * `now`: what has succeeded last and what is in progress in them, as far as that is known; `nowAsOf`, when it was, and `nowFailure`, why
 * it is not known as of now.
 */
export class StartForm extends LitElement {
  static override styles = [tokens, common, fieldStyles, formDialogStyles, startFormStyles];

  static override properties = {
    environments: { attribute: false },
    onlyThese: { attribute: false },
    choices: { attribute: false },
    choicesFailure: { attribute: false },
    now: { attribute: false },
    nowAsOf: { attribute: false },
    nowFailure: { attribute: false },
  };

  declare environments: readonly string[];
  declare onlyThese: boolean;
  declare choices: readonly Environment[] | null;
  declare choicesFailure: Failure | null;
  declare now: EnvironmentsNow["known"];
  declare nowAsOf: EnvironmentsNow["asOf"];
  declare nowFailure: EnvironmentsNow["failure"];

  readonly #help = new RefHelp(this);
  /** Those of this opening. */
  #requests = new RequestIds();
  #failure: Failure | null = null;
  #busy = false;
  /** The name of the chosen environment; null: nobody has chosen yet. */
  #chosen: string | null = null;

  constructor() {
    super();
    this.environments = [];
    this.onlyThese = false;
    this.choices = null;
    this.choicesFailure = null;
    this.now = this.nowAsOf = this.nowFailure = null;
  }

  // What is under way may have been closed and opened: it is still the same request.
  show(): void {
    if (!this.#busy) this.#requests = new RequestIds();
    this.#failure = null;
    this.#help.forget();
    if (this.#typedRef) this.#look();
    this.requestUpdate();
    this.#dialog?.showModal();
  }

  protected override render(): TemplateResult {
    const chosen = this.#environment;
    const isKnown = chosen !== null || (!this.choices?.length && this.#only !== undefined);
    return html`<dialog aria-labelledby="title">
      <form @submit=${this.#submit} @input=${this.#edited}>
        <div class="top-bar">
          <h2 id="title">Start a deploy</h2>
          <button class="bare" type="button" aria-label="Close" @click=${() => this.#dialog?.close()}>${closeIcon}</button>
        </div>
        ${this.choicesFailure ? choicesUnknown(this.choicesFailure, this.#askAgain) : nothing}
        ${this.choices?.length ? this.#choice(this.choices) : this.#anyEnvironment()}
        ${this.#ref(chosen, isKnown)}
        ${this.#field("note", "Note", html`<input
          id="note" name="note" autocomplete="off" aria-describedby=${`note-hint ${this.#describes("note")}`}
          aria-invalid=${this.#objects("note")} />`, "Optional. One line, for whoever reads the audit entries.")}
        ${chosen?.protected ? this.#confirmation(chosen) : nothing}
        <div role="alert">${this.#general()}</div>
        <div class="actions">
          <button class="primary" ?disabled=${this.#busy || this.choices === null}>${this.#busy ? "Starting …" : "Start deploy"}</button>
        </div>
      </form>
    </dialog>`;
  }

  #anyEnvironment(): TemplateResult {
    const hint = this.onlyThese ? `You may deploy to: ${this.environments.join(", ")}.` : undefined;
    return this.#field("environment", "Environment", anyEnvironment(this.environments, this.#only, this.#environmentState), hint);
  }

  #choice(choices: readonly Environment[]): TemplateResult {
    const chosen = this.#environment;
    const none = !choices.some(({ mayStart }) => mayStart);
    const now = { known: this.now, asOf: this.nowAsOf, failure: this.nowFailure };
    return html`${this.#field("environment", "Environment", environmentSelect(choices, chosen, this.#environmentState), environmentHint(chosen, none))}
      ${environmentStanding(chosen, now, this.#show)}`;
  }

  // The browser's own list of suggestions: whatever is typed can be sent, whether GitHub was heard or not.
  #ref(chosen: Environment | null, isFirst: boolean): TemplateResult {
    const changes = this.#help.changes(this.#typedRef);
    return html`${this.#field("ref", "Ref", html`<input
        id="ref" name="ref" required autocomplete="off" autocapitalize="none" spellcheck="false" list="refs" ?autofocus=${isFirst}
        @focus=${this.#look} aria-describedby=${`ref-hint ref-changes ${this.#describes("ref")}`} aria-invalid=${this.#objects("ref")} />
      <datalist id="refs">${this.#help.options}</datalist>`, refHint(chosen))}
      <p class="changes" id="ref-changes" aria-live="polite">${changes}</p>`;
  }

  // Nothing but the name itself will do, so that nobody deploys to one place who means another.
  #confirmation({ name }: Environment): TemplateResult {
    return this.#field("confirmation", "Confirmation", html`<input
      id="confirmation" name="confirmation" required autocomplete="off" autocapitalize="none" spellcheck="false"
      aria-describedby=${`confirmation-hint ${this.#describes("confirmation")}`} aria-invalid=${this.#objects("confirmation")} />`, html`This environment is protected: type <code>${name}</code> to confirm.`);
  }

  get #environmentState(): FieldState {
    return { describedBy: `environment-hint ${this.#describes("environment")}`, invalid: this.#objects("environment") };
  }

  /** The one environment that there is nothing but, where the server does not say which there are. */
  get #only(): string | undefined {
    return this.onlyThese && this.environments.length === 1 ? this.environments[0] : undefined;
  }

  /** The one that is chosen, where the server says which there are. */
  get #environment(): Environment | null {
    const choices = this.choices ?? [];
    return this.#chosen === null ? onlyChoice(choices) : (choices.find(({ name }) => name === this.#chosen) ?? null);
  }

  #field(name: Field, label: string, input: TemplateResult, hint?: TemplateResult | string): TemplateResult {
    return html`<div class="field">
      <label for=${name}>${label}</label>
      ${input} ${hint ? html`<p class="hint" id=${`${name}-hint`}>${hint}</p>` : nothing}
      ${this.#failure?.field === name
        ? html`<p class="error" id=${`${name}-error`} role="alert">${said(this.#failure)}</p>`
        : nothing}
    </div>`;
  }

  #objects(name: Field): "true" | "false" {
    return this.#failure?.field === name ? "true" : "false";
  }

  #describes(name: Field): string {
    return this.#failure?.field === name ? `${name}-error` : "";
  }

  // What the server objects to, where it named none of the fields above.
  #general(): TemplateResult | typeof nothing {
    const failure = this.#failure;
    if (!failure || FIELDS.some((name) => name === failure.field)) return nothing;
    return startFailure(failure, (deployId, words) => deployLink(deployId, words, this.#show));
  }

  readonly #show = (deployId: string): void => {
    this.dispatchEvent(new CustomEvent("phaseline-show", { detail: { deployId } }));
  };

  readonly #look = (): void => this.#help.look(this.#environment, this.#typedRef, true);

  readonly #askAgain = (): void => {
    this.dispatchEvent(new Event("phaseline-ask-environments"));
  };

  readonly #edited = ({ target }: Event): void => {
    if (target instanceof HTMLSelectElement) this.#choose(target.value);
    else if ((target as HTMLElement).id === "ref") this.#help.look(this.#environment, this.#typedRef);
    this.#failure = null;
    this.requestUpdate();
  };

  #choose(name: string): void {
    this.#chosen = name;
    this.#look();
    this.dispatchEvent(new Event("phaseline-look"));
  }

  readonly #submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (this.#busy) return;
    const form = event.target as HTMLFormElement;
    const unconfirmed = this.#unconfirmed(form);
    if (unconfirmed) return this.#failed(unconfirmed);
    this.#change(true, null);
    const content = inputOf(form);
    try {
      const input = { ...content, requestId: this.#requests.of(content) };
      const { startDeploy } = await request(graphqlEndpoint(null), startDeployDocument, { input });
      await this.#begin(form);
      this.#dialog?.close();
      this.dispatchEvent(new CustomEvent("phaseline-started", { detail: { deployId: startDeploy.id } }));
    } catch (failure) {
      await this.#failed(Failure.of(failure));
    }
  };

  // What a form goes back to is what it was rendered with.
  async #begin(form: HTMLFormElement): Promise<void> {
    this.#chosen = null;
    this.#help.forget();
    this.#change(false, null);
    await this.updateComplete;
    form.reset();
  }

  #unconfirmed(form: HTMLFormElement): Failure | null {
    const chosen = this.#environment;
    if (!chosen?.protected || valueIn(form, "confirmation") === chosen.name) return null;
    return new Failure(`this is not the name of ${chosen.name}`, "", "confirmation", true);
  }

  async #failed(failure: Failure): Promise<void> {
    this.#change(false, failure);
    if (!failure.refused) this.dispatchEvent(new Event("phaseline-start-unknown"));
    if (failure.code === "ENVIRONMENT_BUSY") this.dispatchEvent(new Event("phaseline-look"));
    if (failure.code === "UNAUTHENTICATED") return this.#askToSignIn();
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }

  #askToSignIn(): void {
    this.dispatchEvent(new Event("phaseline-unauthenticated"));
    this.dispatchEvent(new Event("phaseline-sign-in"));
  }

  #change(busy: boolean, failure: Failure | null): void {
    this.#busy = busy;
    this.#failure = failure;
    this.requestUpdate();
  }

  get #typedRef(): string {
    return this.renderRoot.querySelector<HTMLInputElement>("#ref")?.value.trim() ?? "";
  }

  get #dialog(): HTMLDialogElement | null {
    return this.renderRoot.querySelector("dialog");
  }
}

function valueIn(form: HTMLFormElement, name: Field): string {
  return String(new FormData(form).get(name) ?? "").trim();
}

// Everything but the id of the request, which says whether it is the same one.
function inputOf(form: HTMLFormElement): StartDeployInput {
  return { environment: valueIn(form, "environment"), ref: valueIn(form, "ref"), note: valueIn(form, "note") || null };
}
