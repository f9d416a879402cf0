import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { DeployFeed } from "../feed/deploy-feed.ts";
import type { Authorization } from "../graphql/authorization.ts";
import { graphqlEndpoint, socketEndpoint } from "../graphql/endpoint.ts";
import type { Deploy } from "../graphql/documents.ts";
import { closeIcon } from "../look/icons.ts";
import { common, tokens } from "../look/tokens.styles.ts";
import { pathOf } from "../routes.ts";
import { stillHolds } from "../steering/actions.ts";
import type { Stale } from "../steering/confirmation-words.ts";
import type { Confirmation, SteeredDetail } from "../steering/confirmation.ts";
import type { Subject } from "../steering/subject.ts";
import { NewDay } from "../time/new-day.ts";
import { Ticker } from "../time/ticker.ts";
import { Announcer } from "./announcer.ts";
import { auditList } from "./audit-list.ts";
import { auditListStyles } from "./audit-list.styles.ts";
import { beside } from "./beside.ts";
import { besideStyles } from "./beside.styles.ts";
import { modalStyles } from "./deploy-modal.styles.ts";
import { facts } from "./facts.ts";
import { standing, title } from "./headline.ts";
import { closedNotice, isUnknown, lostNotice, notFound, restartedNotice, waiting } from "./notices.ts";
import { reflect } from "./reflection.ts";
import { steeringButtons } from "./steering-buttons.ts";
import { stepper, type Now } from "./stepper.ts";
import { stepperStyles } from "./stepper.styles.ts";

const ENTRIES_SHOWN = 100;

/**
 * A modal that shows one deploy as its callbacks are accepted. It shows what the server has said and nothing else: no clock, log
 * line or silence moves a step.
 *
 *     <script type="module" src="https://phaseline.example/phaseline-modal.js"></script>
 *     <phaseline-deploy-modal deploy-id="…" open></phaseline-deploy-modal>
 *
 * Attributes, also properties: `deploy-id` (deployId), `open`, and `endpoint`, the address of GraphQL, which is `/graphql` of the
 * origin the script came from unless given.
 *
 * Property, and no attribute, because attributes can be read by whatever else is in the page: `authorization`, for a page of another
 * origin, which the server's cookie is not for. It is the value of an `Authorization` header, such as `Bearer phl_…`, or a function
 * that returns or promises it and is asked for every connection. Set anew, it is tried at once where the last one was refused.
 *
 *     modal.authorization = async () => `Bearer ${await tokenOfWhoeverIsSignedInHere()}`;
 *
 * Methods: `show()`, `close()`, and `reconnect()`, which does not wait and also tries again where trying had been given up.
 *
 * Attributes it reflects, to be read and not set: `data-connection` (connecting | live | lost | closed), and once known
 * `data-status` (the status's key), `data-outcome`, `data-sequence` (the entry that the steps are confirmed up to),
 * `data-newest` (the newest entry known), `data-attempt`, and `data-failure` (a code, where nothing more will come).
 *
 * Events, which bubble and cross shadow roots: `phaseline-close` when the modal has closed, by whomever; `phaseline-change` when
 * the status or the confirmed entry has changed, with a `ChangeDetail`; `phaseline-unauthenticated` when the server was not proven, or
 * not any longer, who is watching, which may hold for the page as well; `phaseline-sign-in` when its viewer wants to go on after the
 * server was not proven who is watching. Whoever handles that cancels it, and calls `reconnect()` when done. Else the
 * modal leads to the server's own sign-in, or on another origin tries again. `phaseline-started` when its viewer has had the deploy
 * deployed again, with the new deploy's id as `detail.deployId`: whoever handles that cancels it, else the modal shows the new deploy.
 * `phaseline-look` when something may have been done that the modal cannot show: lists of deploys are to be asked for anew.
 *
 * Whoever may steer deploys (right STEER_DEPLOYS) finds buttons in it, for what can be done as the deploy stands. They act as whoever the
 * cookie or `authorization` proves.
 *
 * Parts: dialog, environment, ref, status, outcome, connection, close; lost, last-confirmed, origin-hint, retry, try-now, restarted,
 * failure, try-again, sign-in, not-found, waiting; beside: queue-place, dispatch, run-waits, request; steering: cancel, rerun, redeploy,
 * abandon; stepper, step (with data-phase, data-state, data-attempt) and its step-label, step-state,
 * step-began, step-ended, step-took, step-running, step-as-of, step-attempt; facts: attempt, run, run-account, started-by, started-at,
 * finished-at, last-report, whole-ref, commit, deploy-id; position ("entry 7 of 7"), entries, entry (with data-sequence, data-kind,
 * data-source, data-to-status, data-refusal), source, older; announcer, the live region. There are no slots.
 */
export class DeployModal extends LitElement {
  static override styles = [tokens, common, modalStyles, stepperStyles, besideStyles, auditListStyles];

  static override properties = {
    deployId: { attribute: "deploy-id", reflect: true },
    endpoint: {},
    authorization: { attribute: false },
    open: { type: Boolean, reflect: true },
  };

  declare deployId: string;
  declare endpoint: string | null;
  declare authorization: Authorization | null;
  declare open: boolean;

  readonly #feed = new DeployFeed(this);
  readonly #ticker = new Ticker(this);
  readonly #announcer = new Announcer();
  #limit = ENTRIES_SHOWN;
  /** The dialog was closed by us and has not told of it yet; otherwise its viewer closed it. */
  #closing = false;

  constructor() {
    super();
    new NewDay(this);
    this.deployId = "";
    this.endpoint = null;
    this.authorization = null;
    this.open = false;
  }

  show(): void {
    this.open = true;
  }

  close(): void {
    this.open = false;
  }

  /** Connects at once, also where trying had been given up; goes on after what was received last. */
  reconnect(): void {
    this.#feed.tryNow();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    // An element that was moved has lost its feed and its place in the top layer: both come back with the next update.
    this.requestUpdate();
  }

  // A viewer who comes late receives a long history message by message: what arrives together is drawn once.
  protected override async scheduleUpdate(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve));
    super.scheduleUpdate();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("deployId") || changed.has("open")) {
      this.#confirmation?.close();
      this.#announcer.forget();
      this.#limit = ENTRIES_SHOWN;
    }
    this.#feed.authorization = this.authorization;
    if (this.open && this.deployId && this.isConnected) {
      this.#feed.follow(this.deployId, socketEndpoint(graphqlEndpoint(this.endpoint)));
      if (changed.has("authorization") && this.#feed.isRefused) this.reconnect();
    } else {
      this.#feed.unfollow();
    }
    this.#announcer.hear(this.#feed);
    const { connection, history } = this.#feed;
    this.#ticker.run(connection === "lost" || (connection === "live" && history.deploy?.finishedAt === null));
  }

  protected override render(): TemplateResult {
    const { deploy } = this.#feed.history;
    return html`<dialog part="dialog" aria-labelledby="title" data-outcome=${deploy?.status.outcome ?? nothing} @close=${this.#closed}>
      <div class="top-bar">
        ${title(deploy, this.deployId)} ${standing(this.#feed)}
        <button class="bare" part="close" aria-label="Close" @click=${this.close}>${closeIcon}</button>
      </div>
      <div class="body">${this.#notices()} ${deploy ? this.#deploy(deploy) : this.#nothingYet()}</div>
      <div class="unseen" part="announcer" role="status" aria-live="polite">${this.#announcer.text}</div>
      <phaseline-confirmation
        .endpoint=${this.endpoint} .authorization=${this.authorization} .status=${deploy?.status.label ?? ""} .stale=${this.#stale(deploy)}
        @phaseline-steered=${this.#steered}
      ></phaseline-confirmation>
    </dialog>`;
  }

  #deploy(deploy: Deploy): TemplateResult {
    const { connection, history, labels, surroundings } = this.#feed;
    const now = this.#now();
    const steering = connection === "live" ? steeringButtons(deploy, surroundings.known, this.#ask) : nothing;
    return html`${beside(deploy, surroundings.known)} ${stepper(deploy, now)} ${steering} ${facts(deploy, now)} ${auditList(history, labels, this.#limit, this.#showAll)}`;
  }

  #notices(): TemplateResult {
    const { connection, failure, restartedFrom } = this.#feed;
    const refused = connection === "closed" && failure && !isUnknown(this.#feed);
    return html`${restartedFrom === null ? nothing : restartedNotice(restartedFrom)}
    ${connection === "lost" ? lostNotice(this.#feed, this.#isForeign()) : nothing} ${
      refused ? closedNotice(this.#feed, this.#isForeign(), this.#again) : nothing
    }`;
  }

  readonly #ask = (subject: Subject): void => {
    void this.#confirmation?.ask(subject);
    this.requestUpdate();
  };

  // What is asked is of the moment in which its button was pressed.
  #stale(deploy: Deploy | null): Stale {
    const subject = this.#confirmation?.subject;
    if (!subject || !deploy) return "";
    if (this.#feed.connection !== "live") return "lost";
    return stillHolds(subject, deploy, this.#feed.surroundings.known) ? "" : "moved";
  }

  // What had the focus may be gone: what could be done then cannot be done now. Whoever has gone on to something else is not called back.
  readonly #steered = ({ detail: { action, deployId, late } }: CustomEvent<SteeredDetail>): void => {
    if (late) return;
    this.renderRoot.querySelector<HTMLElement>("#title")?.focus();
    if (action !== "redeploy") return;
    const started = new CustomEvent("phaseline-started", { detail: { deployId }, bubbles: true, composed: true, cancelable: true });
    if (this.dispatchEvent(started)) this.deployId = deployId;
  };

  get #confirmation(): Confirmation | null {
    return this.renderRoot.querySelector<Confirmation>("phaseline-confirmation");
  }

  readonly #again = (): void => {
    if (this.#feed.failure?.code === "UNAUTHENTICATED") {
      const wanted = new Event("phaseline-sign-in", { bubbles: true, composed: true, cancelable: true });
      if (!this.dispatchEvent(wanted)) return;
      if (!this.#isForeign()) return location.assign(pathOf(this.deployId));
    }
    this.reconnect();
  };

  #isForeign(): boolean {
    return new URL(graphqlEndpoint(this.endpoint)).origin !== location.origin;
  }

  #nothingYet(): TemplateResult | typeof nothing {
    const { connection } = this.#feed;
    if (isUnknown(this.#feed)) return notFound(this.deployId);
    return connection === "connecting" ? waiting() : nothing;
  }

  // Only a connection that is heard lets clocks run.
  #now(): Now {
    const { connection, clock, heardAt } = this.#feed;
    return connection === "live" ? { at: clock.now(), frozen: false } : { at: heardAt ?? clock.now(), frozen: true };
  }

  // The button goes away, and the focus it had goes on to the first entry that it revealed.
  readonly #showAll = async (): Promise<void> => {
    const first = this.#feed.history.entries.at(-this.#limit - 1)?.sequence;
    this.#limit = Infinity;
    this.requestUpdate();
    await this.updateComplete;
    const revealed = this.renderRoot.querySelector<HTMLElement>(`.entry[data-sequence="${first}"]`);
    if (!revealed) return;
    revealed.tabIndex = -1;
    revealed.focus();
  };

  protected override updated(): void {
    this.#syncDialog();
    reflect(this, this.#feed);
  }

  #syncDialog(): void {
    const dialog = this.renderRoot.querySelector("dialog");
    if (!dialog || !this.isConnected) return;
    if (this.open) showModal(dialog);
    else if (dialog.open) {
      this.#closing = true;
      dialog.close();
    }
  }

  // The event comes a moment after the closing: by then somebody (a quick "back" and "forward") may have opened it again, or have
  // asked for it.
  readonly #closed = (): void => {
    const asked = this.#closing;
    this.#closing = false;
    if (this.renderRoot.querySelector("dialog")?.open || (asked && this.open)) return;
    this.open = false;
    this.dispatchEvent(new Event("phaseline-close", { bubbles: true, composed: true }));
  };
}

// A dialog that was moved in the page has left the top layer, and yet calls itself open: it has to be closed without a word first.
function showModal(dialog: HTMLDialogElement): void {
  if (dialog.open && dialog.matches(":modal")) return;
  dialog.removeAttribute("open");
  dialog.showModal();
}
