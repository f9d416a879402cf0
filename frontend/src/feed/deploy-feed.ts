import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { Authorization } from "../graphql/authorization.ts";
import {
  auditEntryAddedDocument,
  deploySequenceDocument,
  phaseChangedDocument,
  pipelineLabelsDocument,
  type AuditEntry,
} from "../graphql/documents.ts";
import { Failure } from "../graphql/failure.ts";
import { ServerClock } from "../time/server-clock.ts";
import { History } from "./history.ts";
import { pauseBefore, pauseBeforeElsewhere } from "./pauses.ts";
import { Session } from "./session.ts";
import { DeploySurroundings } from "./surroundings.ts";

/**
 * connecting: nothing confirmed yet. live: the server is heard, and holds what is shown. lost: it was, or should be, and is not; we
 * keep trying. closed: nobody tries, because nothing is followed or because trying again cannot help.
 */
export type Connection = "connecting" | "live" | "lost" | "closed";

/** The next try, counted from 1 since the connection was last good. `at` is null while it is under way. */
export interface Retry {
  readonly attempt: number;
  readonly at: number | null;
}

// The server does not tell this caller (any longer): it has to be another one first, or to prove again who it is.
const REFUSING_CODES = new Set(["UNAUTHENTICATED", "FORBIDDEN"]);

// To ask again would bring the same answer. Everything else, a closed socket above all, is tried for ever.
const FINAL_CODES = new Set(["DEPLOY_NOT_FOUND", "BAD_USER_INPUT", ...REFUSING_CODES]);

// The server stops in good order. Should there be no other one, the second try waits as ever.
const ELSEWHERE_CODES = new Set(["CLOSED_1012", "SERVER_STOPPING"]);

// A server that accepts and dies at once must not be met with the shortest pause each time.
const GOOD_AFTER_MS = 10_000;

// A server may answer pings, and nothing that it is asked: nobody would be told, and nobody could ask it again.
const LIVE_WITHIN_MS = 15_000;

/** What has to come before a connection is live. */
type Proof = "phaseChanged" | "auditEntryAdded" | "sequence";

/** Follows one deploy for its host: owns the socket, keeps what was received, and reconnects. */
export class DeployFeed implements ReactiveController {
  connection: Connection = "closed";
  history = new History();
  /** Labels of statuses, by key. Empty until the server has told them. */
  labels: ReadonlyMap<string, string> = new Map();
  /** Set where `connection` is "closed" or "lost": why. */
  failure: Failure | null = null;
  retry: Retry | null = null;
  /** Where the server's history turned out to differ from what was shown: the entry that had been reached. */
  restartedFrom: number | null = null;
  /** When the server was last heard while it was live, on `clock`: what is shown is confirmed up to then. */
  heardAt: number | null = null;
  readonly clock = new ServerClock();
  readonly surroundings = new DeploySurroundings(() => this.#host.requestUpdate());
  /** What proves who watches, from the next connection on. Null: a cookie, if anything. */
  authorization: Authorization | null = null;

  readonly #host: ReactiveControllerHost;
  #target: { deployId: string; url: string } | null = null;
  #session: Session | null = null;
  /** The proof that the session was opened with. */
  #given: Authorization | null = null;
  #askedForLabels: Session | null = null;
  #awaited = new Set<Proof>();
  #tries = 0;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #good: ReturnType<typeof setTimeout> | undefined;
  #late: ReturnType<typeof setTimeout> | undefined;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostConnected(): void {
    window.addEventListener("online", this.#online);
    window.addEventListener("offline", this.#offline);
  }

  hostDisconnected(): void {
    window.removeEventListener("online", this.#online);
    window.removeEventListener("offline", this.#offline);
    this.unfollow();
  }

  follow(deployId: string, url: string): void {
    if (this.#target?.deployId === deployId && this.#target.url === url) return;
    this.unfollow();
    this.#target = { deployId, url };
    this.#connectAfresh();
  }

  /** Hangs up, and forgets what was received: when it is followed again, the server tells everything anew. */
  unfollow(): void {
    if (!this.#target) return;
    this.#target = null;
    this.#hangUp();
    this.surroundings.forget();
    this.history = new History();
    this.labels = new Map();
    this.restartedFrom = null;
    this.heardAt = null;
    this.#become("closed", null);
  }

  /** Whether the server refuses to tell whoever watches. */
  get isRefused(): boolean {
    return this.connection === "closed" && REFUSING_CODES.has(this.failure?.code ?? "");
  }

  /** Does not wait for the pause to end; and tries again where trying had been given up. */
  tryNow(): void {
    if (!this.#target || this.#session) return;
    if (this.connection === "closed") this.#connectAfresh();
    else this.#connect();
  }

  #connectAfresh(): void {
    this.#tries = 0;
    this.#become("connecting", null);
    this.#connect();
  }

  #connect(): void {
    if (!this.#target) return;
    clearTimeout(this.#pause);
    if (this.retry) this.retry = { attempt: this.retry.attempt, at: null };
    const { deployId, url } = this.#target;
    this.#given = this.authorization;
    const session = new Session(url, this.#given, {
      heard: () => {
        if (this.connection === "live") this.heardAt = this.clock.now();
      },
      ended: (failure) => this.#ended(failure),
    });
    this.#session = session;
    this.#late = setTimeout(() => this.#ended(new Failure("The server did not answer.", "SILENT")), LIVE_WITHIN_MS);
    const { lastTransition, lastEntry, newest } = this.history;
    this.#awaited = new Set(["phaseChanged"]);
    if (lastEntry) this.#awaited.add("auditEntryAdded");
    if (newest) this.#awaited.add("sequence");
    // Each stream begins with its last entry again: a restored server may hold another one in its place.
    session.follow(phaseChangedDocument, { deployId, after: lastTransition ? lastTransition - 1 : null }, ({ phaseChanged }) => {
      const { deploy, entry } = phaseChanged;
      this.#received("phaseChanged", lastTransition, entry, () => this.history.addTransition(deploy, entry));
    });
    session.follow(auditEntryAddedDocument, { deployId, after: Math.max(0, lastEntry - 1) }, ({ auditEntryAdded: entry }) =>
      this.#received("auditEntryAdded", lastEntry, entry, () => this.history.addEntry(entry)),
    );
    if (newest) this.#askHowFar(session, deployId, newest);
    this.#host.requestUpdate();
  }

  // A log that is exactly one entry shorter has nothing to send again, and nothing to object to.
  #askHowFar(session: Session, id: string, newest: number): void {
    session.ask(
      deploySequenceDocument,
      { id },
      ({ deploy }) => {
        if (!deploy) this.#ended(new Failure("The server holds no deploy with this id.", "DEPLOY_NOT_FOUND"));
        else if (deploy.sequence < newest) this.#startOver();
        else this.#proved("sequence");
      },
      (failure) => this.#ended(failure),
    );
  }

  // `last` is the entry that the stream had reached, and has to begin with; 0 where it begins anew.
  #received(stream: Proof, last: number, entry: AuditEntry, add: () => boolean): void {
    this.clock.hear(entry.recordedAt);
    const begins = this.#awaited.has(stream);
    if ((begins && last && entry.sequence !== last) || this.history.contradicts(entry)) return this.#startOver();
    if (add()) {
      this.#host.requestUpdate();
      this.surroundings.look();
    }
    this.#proved(stream);
  }

  #proved(proof: Proof): void {
    this.#awaited.delete(proof);
    if (!this.#session || this.#awaited.size) return;
    this.#learnLabels(this.#session);
    if (this.connection === "live" || !this.#target) return;
    clearTimeout(this.#late);
    this.surroundings.follow(this.#session, this.#target.deployId);
    this.#good = setTimeout(() => (this.#tries = 0), GOOD_AFTER_MS);
    this.heardAt = this.clock.now();
    this.#become("live", null);
  }

  #learnLabels(session: Session): void {
    const name = this.history.deploy?.pipeline.name;
    if (!name || this.labels.size || this.#askedForLabels === session) return;
    this.#askedForLabels = session;
    session.ask(pipelineLabelsDocument, { name }, ({ pipeline }) => {
      this.labels = new Map(pipeline.statuses.map(({ key, label }) => [key, label]));
      this.#host.requestUpdate();
    });
  }

  #ended(failure: Failure): void {
    this.#hangUp();
    if (failure.code === "AFTER_AHEAD" && this.history.newest) this.#startOver();
    else if (REFUSING_CODES.has(failure.code) && this.authorization !== this.#given) this.#connectAfresh();
    else if (FINAL_CODES.has(failure.code)) this.#become("closed", failure);
    else this.#lose(failure);
  }

  // The server holds another log than was shown (a restored backup, say). What it holds is the truth, so what was shown is dropped.
  #startOver(): void {
    this.#hangUp();
    this.restartedFrom = this.history.newest;
    this.history = new History();
    this.surroundings.forget();
    this.#connectAfresh();
  }

  #lose(failure: Failure): void {
    this.#hangUp();
    const attempt = ++this.#tries;
    const pause = attempt === 1 && ELSEWHERE_CODES.has(failure.code) ? pauseBeforeElsewhere() : pauseBefore(attempt);
    this.#pause = setTimeout(() => this.#connect(), pause);
    this.#become("lost", failure, { attempt, at: Date.now() + pause });
  }

  #hangUp(): void {
    clearTimeout(this.#pause);
    clearTimeout(this.#good);
    clearTimeout(this.#late);
    this.surroundings.end();
    this.#session?.close();
    this.#session = null;
  }

  #become(connection: Connection, failure: Failure | null, retry: Retry | null = null): void {
    this.connection = connection;
    this.failure = failure;
    this.retry = retry;
    this.#host.requestUpdate();
  }

  readonly #online = (): void => {
    if (this.connection !== "lost") return;
    this.#hangUp();
    this.#connect();
  };

  // The browser knows before any ping could.
  readonly #offline = (): void => {
    if (this.connection === "closed") return;
    this.#lose(new Failure("This computer is offline.", "OFFLINE"));
  };
}
