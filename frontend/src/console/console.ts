import { html, LitElement, nothing, type TemplateResult } from "lit";
import { brokenIcon, plusIcon, refreshIcon } from "../look/icons.ts";
import { common, tokens } from "../look/tokens.styles.ts";
import { moment } from "../time/moments.ts";
import type { DeployOutcome } from "../graphql/types.ts";
import type { DeployModal } from "../modal/deploy-modal.ts";
import { NewDay } from "../time/new-day.ts";
import { outcomeWords, sentence } from "../words.ts";
import { consoleStyles } from "./console.styles.ts";
import { DeployList } from "./deploy-list.ts";
import { deployRows } from "./deploy-rows.ts";
import { deployIdIn, pathOf } from "./routes.ts";
import type { StartForm } from "./start-form.ts";
import { fieldStyles } from "./start-form.styles.ts";

/** The console page: the deploys, a form that starts one, and the modal over them at the deploy's own address. */
export class Console extends LitElement {
  static override styles = [tokens, common, fieldStyles, consoleStyles];

  readonly #list = new DeployList(this);
  #deployId = deployIdIn(location.pathname);
  /** The deploy whose row gets the focus when the modal closes. */
  #lastOpened: string | null = this.#deployId;

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

  protected override willUpdate(): void {
    document.title = `${this.#deployId === null ? "Deploys" : `Deploy ${this.#deployId}`} · phaseline`;
  }

  protected override render(): TemplateResult {
    return html`<div class="frame">
        <header class="top">
          <div class="brand">
            <img src="/icon.svg" alt="" />
            <div>
              <h1>Deploys</h1>
              <p>phaseline: which lines each one has reported crossing</p>
            </div>
          </div>
          <button class="primary start" @click=${this.#showForm}>${plusIcon}Start a deploy</button>
        </header>
        <main>${this.#main()}</main>
      </div>
      <phaseline-start-form 
        .environments=${this.#environments()}
        @phaseline-started=${this.#started}
        @phaseline-start-unknown=${() => this.#list.refresh()}
      ></phaseline-start-form>
      <phaseline-deploy-modal
        deploy-id=${this.#deployId ?? ""}
        ?open=${this.#deployId !== null}
        @phaseline-close=${this.#closed}
        @phaseline-change=${() => this.#list.refresh()}
      ></phaseline-deploy-modal>`;
  }

  #main(): TemplateResult {
    const { deploys, hasMore, busy } = this.#list;
    return html`${this.#bar()} ${this.#failure()}
      ${deploys?.length
        ? html`<div class="list">
            <div class="columns" aria-hidden="true"><span>Environment, ref</span><span>Status</span><span>Started by</span><span>When</span></div>
            ${deployRows(deploys, this.#open)}
          </div>`
        : this.#blank()}
      ${deploys && hasMore ? html`<button class="more" ?disabled=${busy} @click=${() => this.#list.more()}>Load more</button>` : nothing}`;
  }

  #bar(): TemplateResult {
    const { asOf, busy } = this.#list;
    return html`<form class="bar" role="search" aria-label="Deploys" @submit=${(event: Event) => event.preventDefault()} @change=${this.#filtered}>
      <label>Environment<input name="environment" placeholder="any" autocomplete="off" list="known" /></label>
      <datalist id="known">${this.#environments().map((name) => html`<option value=${name}></option>`)}</datalist>
      <label>
        Outcome
        <select name="outcome">
          <option value="">any</option>
          ${Object.entries(outcomeWords).map(([value, word]) => html`<option value=${value}>${word}</option>`)}
        </select>
      </label>
      <div class="fresh">
        <span class="as-of">${asOf === null ? "not loaded yet" : html`as of ${moment(asOf)}`}</span>
        <button type="button" class="refresh" ?disabled=${busy} @click=${() => this.#list.refresh()}>${refreshIcon}Refresh</button>
      </div>
    </form>`;
  }

  #failure(): TemplateResult | typeof nothing {
    const { failure, deploys } = this.#list;
    if (!failure) return nothing;
    return html`<div class="notice bad" role="alert">
      ${brokenIcon}
      <div>
        <strong>The deploys could not be loaded.</strong> ${sentence(failure.message)} <code>${failure.code}</code>
        ${deploys ? html`<div>The list below is what was loaded before.</div>` : nothing}
      </div>
      <button @click=${() => this.#list.refresh()}>Try again</button>
    </div>`;
  }

  #blank(): TemplateResult | typeof nothing {
    const { deploys, failure, filter } = this.#list;
    if (!deploys) return failure ? nothing : html`<div class="list blank"><p>Loading the deploys …</p></div>`;
    if (filter.environment || filter.outcome) {
      return html`<div class="list blank"><strong>No deploy matches</strong><p>There may be others: change or clear the filter.</p></div>`;
    }
    return html`<div class="list blank">
      <strong>No deploys yet</strong>
      <p>Start one here, and give its id to the workflow as console_deploy_id. Its steps show as the workflow reports them.</p>
      <button class="primary" @click=${this.#showForm}>${plusIcon}Start a deploy</button>
    </div>`;
  }

  #environments(): string[] {
    return [...new Set(this.#list.deploys?.map((deploy) => deploy.environment))].sort();
  }

  readonly #filtered = (event: Event): void => {
    const values = new FormData(event.currentTarget as HTMLFormElement);
    const environment = String(values.get("environment") ?? "").trim() || null;
    const outcome = (String(values.get("outcome") ?? "") || null) as DeployOutcome | null;
    void this.#list.filterBy({ environment, outcome });
  };

  readonly #showForm = (): void => {
    this.renderRoot.querySelector<StartForm>("phaseline-start-form")?.show();
  };

  readonly #started = (event: CustomEvent<{ deployId: string }>): void => {
    void this.#list.refresh();
    this.#goTo(event.detail.deployId);
  };

  // With a modifier the link is the browser's: a new tab, a new window, a download.
  readonly #open = (event: Event, deployId: string): void => {
    const { ctrlKey, metaKey, shiftKey, altKey } = event as MouseEvent;
    if (ctrlKey || metaKey || shiftKey || altKey) return;
    event.preventDefault();
    this.#goTo(deployId);
  };

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
    (row ?? this.renderRoot.querySelector<HTMLElement>(".start"))?.focus();
  }
}
