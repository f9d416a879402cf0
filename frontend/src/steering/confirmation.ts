import { html, LitElement, nothing, type TemplateResult } from "lit";
import type { Authorization } from "../graphql/authorization.ts";
import { Failure } from "../graphql/failure.ts";
import { brokenIcon, closeIcon } from "../look/icons.ts";
import { fieldStyles, formDialogStyles } from "../look/form.styles.ts";
import { said } from "../look/said.ts";
import { common, tokens } from "../look/tokens.styles.ts";
import { askedBefore, outcomeOf, question, staleWords, type Stale } from "./confirmation-words.ts";
import { confirmationStyles } from "./confirmation.styles.ts";
import { RequestIds } from "./request-ids.ts";
import { send } from "./sending.ts";
import type { Subject } from "./subject.ts";

const FIELDS = ["reason", "name"] as const;
type Field = (typeof FIELDS)[number];

/** What `phaseline-steered` carries: what was done, and the deploy that it concerns now, which is a new one after a redeploy. */
export interface SteeredDetail {
  readonly action: Subject["action"];
  readonly deployId: string;
  /** The dialog had been closed by then, or asks something else: nobody waits for it any more. */
  readonly late: boolean;
}

/**
 * A dialog that asks an operator why, says what will happen, and has the server do it. `ask()` opens it. Events: `phaseline-steered`
 * with a `SteeredDetail`, once the server has done its part, also where the dialog was closed meanwhile; `phaseline-look`, where more or
 * other things may have happened than are shown; `phaseline-unauthenticated` and then `phaseline-sign-in` where the server did not know who asks.
 * All but the first leave a modal that it is in.
 * Properties: `endpoint` and `authorization`, as the modal has them; `status`, how the deploy stands by now, and `stale`, why what is asked
 * does not hold, in which case nothing is sent.
 */
export class Confirmation extends LitElement {
  static override styles = [tokens, common, fieldStyles, formDialogStyles, confirmationStyles];

  static override properties = {
    endpoint: { attribute: false },
    authorization: { attribute: false },
    status: { attribute: false },
    stale: { attribute: false },
  };

  declare endpoint: string | null;
  declare authorization: Authorization | null;
  declare status: string;
  declare stale: Stale;

  #subject: Subject | null = null;
  #failure: Failure | null = null;
  /** Those of this opening. */
  #requests = new RequestIds();
  /** What was sent and is not answered, and the ids it was sent with. To ask the same again meanwhile is to wait for its answer. */
  readonly #underway = new Map<string, RequestIds>();

  constructor() {
    super();
    this.endpoint = null;
    this.authorization = null;
    this.status = this.stale = "";
  }

  /** What is asked; null: nothing. */
  get subject(): Subject | null {
    return this.#subject;
  }

  /** Whatever was typed or failed before was about another question. */
  async ask(subject: Subject): Promise<void> {
    this.#subject = subject;
    this.#requests = this.#underway.get(keyOf(subject)) ?? new RequestIds();
    this.#object(null);
    await this.updateComplete;
    this.renderRoot.querySelector("form")?.reset();
    const dialog = this.#dialog;
    if (dialog && !dialog.open) dialog.showModal();
  }

  close(): void {
    if (this.#dialog?.open) this.#dialog.close();
    this.#left();
  }

  // The event comes a moment after the closing: by then the next question may be open.
  readonly #left = (): void => {
    if (this.#dialog?.open) return;
    this.#subject = null;
    this.requestUpdate();
  };

  protected override render(): TemplateResult {
    return html`<dialog aria-labelledby="title" aria-describedby="what" @close=${this.#left}>${this.#subject ? this.#form(this.#subject) : nothing}</dialog>`;
  }

  #form(subject: Subject): TemplateResult {
    const { title, what, submit } = question(subject);
    const { environment, ref } = subject.deploy;
    const before = askedBefore(subject);
    const busy = this.#underway.has(keyOf(subject));
    return html`<form novalidate @submit=${this.#submit} @input=${this.#edited}>
      <div class="top-bar">
        <h2 id="title">${title}</h2>
        <button class="bare" type="button" aria-label="Close" @click=${this.close}>${closeIcon}</button>
      </div>
      <p class="deploy">
        Deploy to <bdi>${environment}</bdi> of <code><bdi>${ref}</bdi></code>${this.status ? html`: <bdi>${this.status}</bdi>` : nothing}
      </p>
      <div id="what">
        <p>${what}</p>
        ${before ? html`<p>${before}</p>` : nothing}
      </div>
      ${this.#field("reason", "Reason", "One line, for whoever reads the audit entries.", true)}
      ${subject.isProtected && subject.action === "redeploy"
        ? this.#field("name", "Confirmation", html`This environment is protected: type <code>${environment}</code> to confirm.`)
        : nothing}
      <div role="alert">${this.#general(subject)}${busy ? nothing : this.#outOfDate()}</div>
      <div class="actions">
        <button type="button" @click=${this.close}>Not now</button>
        <button class="primary" ?disabled=${busy || this.stale !== ""}>${busy ? "Asking …" : submit}</button>
      </div>
    </form>`;
  }

  #field(name: Field, label: string, hint: TemplateResult | string, first = false): TemplateResult {
    const objects = this.#failure?.field === name;
    return html`<div class="field">
      <label for=${name}>${label}</label>
      <input
        id=${name} name=${name} required autocomplete="off" ?autofocus=${first}
        aria-describedby=${`${name}-hint ${objects ? `${name}-error` : ""}`} aria-invalid=${objects ? "true" : "false"} />
      <p class="hint" id=${`${name}-hint`}>${hint}</p>
      ${objects && this.#failure ? html`<p class="error" id=${`${name}-error`} role="alert">${said(this.#failure)}</p>` : nothing}
    </div>`;
  }

  // What the server objects to, where it named none of the fields above.
  #general(subject: Subject): TemplateResult | typeof nothing {
    const failure = this.#failure;
    if (!failure || FIELDS.some((name) => name === failure.field)) return nothing;
    return notice(html`${outcomeOf(subject, failure)} <p>${said(failure)}</p>`, "bad");
  }

  // Not once more where the server has just said as much.
  #outOfDate(): TemplateResult | typeof nothing {
    return this.stale && this.#failure?.code !== "NOT_POSSIBLE_NOW" ? notice(staleWords[this.stale]) : nothing;
  }

  readonly #edited = (): void => {
    if (this.#failure) this.#object(null);
  };

  readonly #submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const subject = this.#subject;
    if (!subject || this.stale || this.#underway.has(keyOf(subject))) return;
    const missing = this.#missing(subject);
    if (missing) return this.#failed(missing);
    const requests = this.#requests;
    this.#underway.set(keyOf(subject), requests);
    this.#object(null);
    const answer = await send(subject, this.#value("reason"), requests, this).catch(Failure.of);
    this.#underway.delete(keyOf(subject));
    const late = !this.#subject || keyOf(this.#subject) !== keyOf(subject);
    if (late || isOther(answer)) this.#tell("phaseline-look");
    if (answer instanceof Failure) return late ? undefined : this.#failed(answer);
    if (!late) this.close();
    this.dispatchEvent(new CustomEvent<SteeredDetail>("phaseline-steered", { detail: { action: subject.action, deployId: answer, late } }));
  };

  #missing({ action, isProtected, deploy }: Subject): Failure | null {
    if (!this.#value("reason")) return new Failure("say why", "", "reason", true);
    if (action !== "redeploy" || !isProtected || this.#value("name") === deploy.environment) return null;
    return new Failure(`this is not the name of ${deploy.environment}`, "", "name", true);
  }

  #value(name: Field): string {
    return this.renderRoot.querySelector<HTMLInputElement>(`#${name}`)?.value.trim() ?? "";
  }

  async #failed(failure: Failure): Promise<void> {
    this.#object(failure);
    if (failure.code === "UNAUTHENTICATED") ["phaseline-unauthenticated", "phaseline-sign-in"].forEach((name) => this.#tell(name));
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }

  #tell(name: string): void {
    this.dispatchEvent(new Event(name, { bubbles: true, composed: true, cancelable: true }));
  }

  #object(failure: Failure | null): void {
    this.#failure = failure;
    this.requestUpdate();
  }

  get #dialog(): HTMLDialogElement | null {
    return this.renderRoot.querySelector("dialog");
  }
}

function notice(words: TemplateResult | string, tone = ""): TemplateResult {
  return html`<div class="notice ${tone}">
    ${brokenIcon}
    <div>${words}</div>
  </div>`;
}

// What is shown elsewhere may be out of date: something was done and nobody knows, or what was to be done was not possible.
function isOther(answer: Failure | string): boolean {
  return answer instanceof Failure && (!answer.refused || answer.code === "NOT_POSSIBLE_NOW");
}

// The same question, whoever opens it.
function keyOf({ action, deploy, attempt }: Subject): string {
  return `${action} ${deploy.id} ${attempt}`;
}
