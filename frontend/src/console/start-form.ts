import { html, LitElement, nothing, type TemplateResult } from "lit";
import { startDeployDocument } from "../graphql/documents.ts";
import { graphqlEndpoint } from "../graphql/endpoint.ts";
import { Failure } from "../graphql/failure.ts";
import { request } from "../graphql/request.ts";
import type { StartDeployInput } from "../graphql/types.ts";
import { brokenIcon, closeIcon } from "../look/icons.ts";
import { common, tokens } from "../look/tokens.styles.ts";
import { sentence } from "../words.ts";
import { fieldStyles, startFormStyles } from "./start-form.styles.ts";

const FIELDS = ["environment", "ref", "note"] as const;
type Field = (typeof FIELDS)[number];

/**
 * A dialog that starts a deploy. `show()` opens it. Events: `phaseline-started`, with the new deploy's id as `detail.deployId`, and
 * `phaseline-start-unknown` where it is not known whether one was started; `phaseline-unauthenticated` and then `phaseline-sign-in`
 * where the server did not know (any longer) who starts it. Properties: `environments`, to suggest; `onlyThese`: no others may be
 * deployed to, and where it is one it is filled in.
 */
export class StartForm extends LitElement {
  static override styles = [tokens, common, fieldStyles, startFormStyles];

  static override properties = { environments: { attribute: false }, onlyThese: { attribute: false } };

  declare environments: readonly string[];
  declare onlyThese: boolean;

  #failure: Failure | null = null;
  #busy = false;

  constructor() {
    super();
    this.environments = [];
    this.onlyThese = false;
  }

  show(): void {
    this.#failure = null;
    this.requestUpdate();
    this.#dialog?.showModal();
  }

  protected override render(): TemplateResult {
    const only = this.onlyThese && this.environments.length === 1 ? this.environments[0] : undefined;
    return html`<dialog aria-labelledby="title">
      <form @submit=${this.#submit} @input=${this.#edited}>
        <div class="top-bar">
          <h2 id="title">Start a deploy</h2>
          <button class="bare" type="button" aria-label="Close" @click=${() => this.#dialog?.close()}>${closeIcon}</button>
        </div>
        ${this.#field("environment", "Environment", html`<input
          id="environment" name="environment" required autocomplete="off" autocapitalize="none" spellcheck="false"
          list="environments" value=${only ?? nothing} ?autofocus=${only === undefined}
          aria-describedby=${`environment-hint ${this.#describes("environment")}`} aria-invalid=${this.#objects("environment")} />`, this.onlyThese ? `You may deploy to: ${this.environments.join(", ")}.` : undefined)}
        <datalist id="environments">${this.environments.map((name) => html`<option value=${name}></option>`)}</datalist>
        ${this.#field("ref", "Ref", html`<input
          id="ref" name="ref" required autocomplete="off" autocapitalize="none" spellcheck="false" ?autofocus=${only !== undefined}
          aria-describedby=${`ref-hint ${this.#describes("ref")}`} aria-invalid=${this.#objects("ref")} />`, "A branch, tag or commit.")}
        ${this.#field("note", "Note", html`<input
          id="note" name="note" autocomplete="off" aria-describedby=${`note-hint ${this.#describes("note")}`}
          aria-invalid=${this.#objects("note")} />`, "Optional. One line, for whoever reads the audit entries.")}
        <div role="alert">${this.#general()}</div>
        <div class="actions">
          <button class="primary" ?disabled=${this.#busy}>${this.#busy ? "Starting …" : "Start deploy"}</button>
        </div>
      </form>
    </dialog>`;
  }

  #field(name: Field, label: string, input: TemplateResult, hint?: string): TemplateResult {
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
    return html`<div class="notice bad">
      ${brokenIcon}
      <div>
        ${failure.refused
          ? html`<strong>The deploy was not started.</strong>`
          : html`<strong>It is not known whether the deploy was started.</strong> Look at the list before starting again.`}
        <p>${said(failure)}</p>
      </div>
    </div>`;
  }

  readonly #edited = (): void => {
    if (!this.#failure) return;
    this.#failure = null;
    this.requestUpdate();
  };

  readonly #submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (this.#busy) return;
    const form = event.target as HTMLFormElement;
    this.#change(true, null);
    try {
      const { startDeploy } = await request(graphqlEndpoint(null), startDeployDocument, { input: inputOf(form) });
      this.#change(false, null);
      form.reset();
      this.#dialog?.close();
      this.dispatchEvent(new CustomEvent("phaseline-started", { detail: { deployId: startDeploy.id } }));
    } catch (failure) {
      await this.#failed(Failure.of(failure));
    }
  };

  async #failed(failure: Failure): Promise<void> {
    this.#change(false, failure);
    if (!failure.refused) this.dispatchEvent(new Event("phaseline-start-unknown"));
    if (failure.code === "UNAUTHENTICATED") return this.#askToSignIn();
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLInputElement>('[aria-invalid="true"]')?.focus();
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

  get #dialog(): HTMLDialogElement | null {
    return this.renderRoot.querySelector("dialog");
  }
}

function said({ message, code }: Failure): TemplateResult {
  return html`${sentence(message)} <code class="code">${code}</code>`;
}

function inputOf(form: HTMLFormElement): StartDeployInput {
  const values = new FormData(form);
  const value = (name: Field): string => String(values.get(name) ?? "").trim();
  return { environment: value("environment"), ref: value("ref"), note: value("note") || null };
}
