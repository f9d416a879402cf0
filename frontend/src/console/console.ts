import { html, LitElement, nothing, type TemplateResult } from "lit";
import type { DeployBrief } from "../graphql/documents.ts";
import type { DeployOutcome } from "../graphql/types.ts";
import { fieldStyles } from "../look/form.styles.ts";
import { closeIcon } from "../look/icons.ts";
import { common, tokens } from "../look/tokens.styles.ts";
import type { DeployModal } from "../modal/deploy-modal.ts";
import { deployIdIn, pathOf } from "../routes.ts";
import { maySteer } from "../steering/actions.ts";
import type { Confirmation, SteeredDetail } from "../steering/confirmation.ts";
import { NewDay } from "../time/new-day.ts";
import { account, callerAnnouncement, callerFailure, notForYou } from "./caller-parts.ts";
import { Caller } from "./caller.ts";
import { consoleStyles } from "./console.styles.ts";
import { follow } from "./deploy-link.ts";
import { DeployList } from "./deploy-list.ts";
import { deployRows } from "./deploy-rows.ts";
import { environmentRows } from "./environment-rows.ts";
import { environmentRowsStyles } from "./environment-rows.styles.ts";
import { EnvironmentsNow } from "./environments-now.ts";
import { Environments } from "./environments.ts";
import { plusIcon } from "./icons.ts";
import { blank, filterBar, listFailure } from "./list-parts.ts";
import { keepWayBack, takeWayBack } from "./way-back.ts";
import type { StartForm } from "./start-form.ts";

/**
 * The console page: the deploys, a form that starts one for those who may, and the modal over them at the deploy's own address. Where
 * the server does not know who is there, a sign-in stands in their place.
 */
export class Console extends LitElement {
  static override styles = [tokens, common, fieldStyles, consoleStyles, environmentRowsStyles];

  readonly #caller = new Caller(this, () => this.#callerChanged());
  readonly #list = new DeployList(this, () => void this.#caller.ask());
  readonly #choices = new Environments(this);
  readonly #now = new EnvironmentsNow(this);
  #deployId = deployIdIn(location.pathname);
  /** The deploy whose row gets the focus when the modal closes. */
  #lastOpened: string | null = this.#deployId;
  #isModalOpen = false;
  /** Whether whoever is signed in, or was last, may start deploys: a form that is being filled in outlives the sign-in. */
  #mayStart = false;
  /** The sign-in over a dialog that is open. */
  #signsInAgain = false;
  #wasSignedIn = false;
  #announced = "";

  constructor() {
    super();
    new NewDay(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener("popstate", this.#moved);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener("popstate", this.#moved);
  }

  // An open modal stays when its viewer is signed out: it says so itself, and keeps what it has shown.
  protected override willUpdate(): void {
    const { identity, failure, isSignedOut } = this.#caller;
    const mayOpen = this.#isModalOpen || (!isSignedOut && (identity !== null || failure !== null));
    this.#isModalOpen = this.#deployId !== null && mayOpen;
    const what = isSignedOut ? "Sign in" : "Deploys";
    document.title = `${this.#isModalOpen ? `Deploy ${this.#deployId}` : what} · phaseline`;
  }

  protected override render(): TemplateResult {
    const { isSignedOut } = this.#caller;
    return html`<div class="frame">
        <header class="top">
          <div class="brand">
            <img src="/icon.svg" alt="" />
            <div>
              <h1 tabindex="-1">Deploys</h1>
              <p>phaseline: which lines each one has reported crossing</p>
            </div>
          </div>
          ${this.#mayStart && !isSignedOut ? html`<button class="primary start" @click=${this.#showForm}>${plusIcon}Start a deploy</button>` : nothing}
          ${account(this.#caller)}
        </header>
        <main>${isSignedOut ? this.#signIn() : this.#main()}</main>
        <div class="unseen" role="status" aria-live="polite">${this.#announced}</div>
      </div>
      ${this.#mayStart ? this.#startForm() : nothing}
      <phaseline-deploy-modal
        deploy-id=${this.#deployId ?? ""}
        ?open=${this.#isModalOpen}
        @phaseline-close=${this.#closed}
        @phaseline-change=${this.#refresh}
        @phaseline-started=${this.#startedAgain}
        @phaseline-unauthenticated=${() => this.#caller.ask()}
        @phaseline-sign-in=${this.#signInAgain}
        @phaseline-look=${this.#refresh}
      ></phaseline-deploy-modal>
      <phaseline-confirmation
        .stale=${this.#stillWaits() ? "" : "moved"}
        @phaseline-steered=${this.#cancelled}
        @phaseline-look=${this.#refresh}
        @phaseline-unauthenticated=${() => this.#caller.ask()}
        @phaseline-sign-in=${this.#signInAgain}
      ></phaseline-confirmation>
      <dialog class="again" aria-label="Sign in again" @close=${this.#leftSignIn}>
        ${this.#signsInAgain
          ? html`<button class="bare" aria-label="Close" @click=${() => this.#again?.close()}>${closeIcon}</button>
              <phaseline-sign-in @phaseline-signed-in=${this.#signedIn} @phaseline-leaving=${keepWayBack}></phaseline-sign-in>`
          : nothing}
      </dialog>`;
  }

  #startForm(): TemplateResult {
    const allowed = this.#caller.identity?.environments;
    return html`<phaseline-start-form
      .environments=${allowed ?? this.#environments()}
      .onlyThese=${allowed != null}
      .choices=${this.#choices.known}
      .choicesFailure=${this.#choices.failure}
      .now=${this.#now.known}
      .nowAsOf=${this.#now.asOf}
      .nowFailure=${this.#now.failure}
      @phaseline-ask-environments=${() => this.#choices.ask()}
      @phaseline-started=${this.#started}
      @phaseline-start-unknown=${this.#refresh}
      @phaseline-look=${() => this.#now.refresh()}
      @phaseline-show=${({ detail }: CustomEvent<{ deployId: string }>) => this.#goTo(detail.deployId)}
      @phaseline-unauthenticated=${() => this.#caller.ask()}
      @phaseline-sign-in=${this.#signInAgain}
    ></phaseline-start-form>`;
  }

  #signIn(): TemplateResult {
    return html`${callerFailure(this.#caller)}
      <section class="list sign-in" aria-label="Sign in">
        <phaseline-sign-in @phaseline-signed-in=${this.#signedIn} @phaseline-leaving=${keepWayBack}></phaseline-sign-in>
      </section>`;
  }

  #main(): TemplateResult {
    const { deploys, hasMore, busy } = this.#list;
    if (this.#caller.identity && !this.#caller.may("READ_DEPLOYS")) return html`${callerFailure(this.#caller)} ${notForYou(this.#caller)}`;
    const actions = { show: (deployId: string) => this.#goTo(deployId), cancel: this.#canceller };
    return html`${environmentRows(this.#now, this.#list.failure === null, actions)}
    ${filterBar(this.#list, this.#environments(), this.#filtered, this.#refresh)} ${callerFailure(this.#caller)} ${listFailure(this.#list)}
      ${deploys?.length
        ? html`<div class="list">
            <div class="columns" aria-hidden="true"><span>Environment, ref</span><span>Status</span><span>Started by</span><span>When</span></div>
            ${deployRows(deploys, this.#open)}
          </div>`
        : this.#caller.failure
          ? nothing
          : blank(this.#list, this.#mayStart ? this.#showForm : null, this.#choices.known?.some(({ dispatches }) => dispatches) ?? false)}
      ${deploys && hasMore ? html`<button class="more" ?disabled=${busy} @click=${() => this.#list.more()}>Load more</button>` : nothing}`;
  }

  #environments(): string[] {
    return [...new Set(this.#list.deploys?.map((deploy) => deploy.environment))].sort();
  }

  #callerChanged(): void {
    const caller = this.#caller;
    this.#announced = callerAnnouncement(caller, this.#wasSignedIn);
    this.#wasSignedIn = !caller.isSignedOut;
    if (caller.isSignedOut) return this.#forget();
    this.#mayStart = caller.may("START_DEPLOYS");
    if (this.#mayStart) void this.#choices.ask();
    const back = takeWayBack();
    if (back !== null && this.#deployId === null) this.#replaceBy(back);
    if (caller.may("READ_DEPLOYS")) this.#refresh();
    this.#goOn();
  }

  /** Asks anew for all that is shown as of a time. */
  readonly #refresh = (): void => {
    void this.#list.refresh();
    void this.#now.refresh();
  };

  #forget(): void {
    this.#list.forget();
    this.#now.forget();
  }

  /** What cancels a deploy that waits, where this caller may. */
  readonly #canceller = (deploy: DeployBrief): (() => void) | null => {
    const { identity } = this.#caller;
    if (!identity || !maySteer(identity, deploy.environment)) return null;
    const subject = { action: "cancel", deploy, unsent: true, isProtected: false, attempt: 1, outcome: "IN_PROGRESS", request: null } as const;
    return () => {
      void this.#confirmation?.ask(subject);
      this.requestUpdate();
    };
  };

  /** Whether the deploy that is asked about still waits, as far as the newest list says; true where none is. */
  #stillWaits(): boolean {
    const subject = this.#confirmation?.subject;
    const queue = subject && this.#now.of(subject.deploy.environment)?.queue;
    return !queue || queue.some(({ id }) => id === subject.deploy.id);
  }

  // The button that was pressed goes with its row.
  readonly #cancelled = ({ detail: { late } }: CustomEvent<SteeredDetail>): void => {
    this.#refresh();
    if (late) return;
    this.#announced = "The deploy is cancelled.";
    this.renderRoot.querySelector<HTMLElement>("#environments-title")?.focus();
  };

  get #confirmation(): Confirmation | null {
    return this.renderRoot.querySelector<Confirmation>("phaseline-confirmation");
  }

  /** Somebody is signed in: nobody has to any more, and what was no longer followed is. */
  #goOn(): void {
    this.#again?.close();
    const modal = this.renderRoot.querySelector<DeployModal>("phaseline-deploy-modal");
    if (modal?.open) modal.reconnect();
  }

  readonly #signInAgain = (event: Event): void => {
    event.preventDefault();
    this.#signsInAgain = true;
    this.requestUpdate();
    void this.updateComplete.then(() => {
      this.#again?.showModal();
      this.#again?.querySelector<HTMLElement>("phaseline-sign-in")?.focus();
    });
  };

  readonly #signedIn = async (): Promise<void> => {
    await this.#caller.signedIn();
    if (!this.#caller.isSignedOut) this.#goOn();
    await this.updateComplete;
    if (!this.#isModalOpen) this.renderRoot.querySelector<HTMLElement>("h1")?.focus();
  };

  readonly #leftSignIn = (): void => {
    this.#signsInAgain = false;
    this.requestUpdate();
  };

  get #again(): HTMLDialogElement | null {
    return this.renderRoot.querySelector<HTMLDialogElement>("dialog.again");
  }

  readonly #filtered = (event: Event): void => {
    const values = new FormData(event.currentTarget as HTMLFormElement);
    const environment = String(values.get("environment") ?? "").trim() || null;
    const outcome = (String(values.get("outcome") ?? "") || null) as DeployOutcome | null;
    void this.#list.filterBy({ environment, outcome });
  };

  // Not before it is known what there is to choose from: a field must not become another one under somebody's hands.
  readonly #showForm = async (): Promise<void> => {
    void this.#now.refresh();
    await this.#choices.answered;
    await this.updateComplete;
    this.renderRoot.querySelector<StartForm>("phaseline-start-form")?.show();
  };

  readonly #started = (event: CustomEvent<{ deployId: string }>): void => {
    this.#refresh();
    this.#goTo(event.detail.deployId);
  };

  readonly #startedAgain = (event: CustomEvent<{ deployId: string }>): void => {
    event.preventDefault();
    this.#started(event);
  };

  readonly #open = (event: Event, deployId: string): void => follow(event as MouseEvent, () => this.#goTo(deployId));

  // The event comes a moment after the closing: by then "forward" may have opened the modal again.
  readonly #closed = async ({ currentTarget }: Event): Promise<void> => {
    if ((currentTarget as DeployModal).open) return;
    if (this.#deployId !== null) this.#goTo(null);
    await this.updateComplete;
    this.#focusRow();
  };

  readonly #moved = (): void => {
    this.#show(deployIdIn(location.pathname));
  };

  #goTo(deployId: string | null): void {
    history.pushState(null, "", pathOf(deployId));
    this.#show(deployId);
  }

  #replaceBy(deployId: string): void {
    history.replaceState(null, "", pathOf(deployId));
    this.#show(deployId);
  }

  #show(deployId: string | null): void {
    this.#deployId = deployId;
    this.#lastOpened = deployId ?? this.#lastOpened;
    this.requestUpdate();
  }

  // The browser returns the focus to what had it before; after a direct load of the deploy's address nothing had.
  #focusRow(): void {
    const row = [...this.renderRoot.querySelectorAll<HTMLElement>("[data-deploy]")].find(
      (link) => link.dataset["deploy"] === this.#lastOpened,
    );
    const found = (selector: string) => this.renderRoot.querySelector<HTMLElement>(selector);
    (row ?? found(".start") ?? found("main phaseline-sign-in") ?? found("h1"))?.focus();
  }
}
