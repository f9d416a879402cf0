import { surroundingsDocument, type Surroundings } from "../graphql/documents.ts";
import type { DispatchState } from "../graphql/types.ts";
import type { Session } from "./session.ts";

const FIRST_MS = 2_000;
const LONGEST_MS = 12_000;

// To ask again would bring the same answer: the server is an older one, or does not tell this caller.
const FINAL_CODES = new Set(["GRAPHQL_VALIDATION_FAILED", "UNAUTHENTICATED", "FORBIDDEN"]);

const SETTLED: ReadonlySet<DispatchState> = new Set<DispatchState>(["SENT", "REFUSED", "WITHDRAWN"]);

/**
 * What no entry tells of a deploy: its place in a queue, what has become of asking GitHub for its run, and what whoever watches may do
 * about it. Asked for once, and again only while it may still change: thousands may watch a deploy that has long begun, or ended.
 */
export class DeploySurroundings {
  /** Null before the first answer, and where the server knows of no such things. */
  known: Surroundings | null = null;

  readonly #onChange: () => void;
  #session: Session | null = null;
  #deployId = "";
  #pause: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  /** An entry came while it was asked: the answer may be of before. */
  #again = false;
  /** How often the answer was the same, one time after another. */
  #unchanged = 0;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  follow(session: Session, deployId: string): void {
    this.end();
    this.#session = session;
    this.#deployId = deployId;
    this.#ask();
  }

  /** An entry has come: whatever is not settled may have changed. */
  look(): void {
    this.#unchanged = 0;
    if (this.#isAsking) this.#again = true;
    else if (!this.#isSettled) this.#ask();
  }

  /** Nobody is asked any more; what is known stays. */
  end(): void {
    clearTimeout(this.#pause);
    this.#session = null;
    this.#isAsking = this.#again = false;
    this.#unchanged = 0;
  }

  forget(): void {
    this.end();
    this.known = null;
  }

  get #isSettled(): boolean {
    if (!this.known) return false;
    const place = this.known.deploy;
    return place?.queuePosition == null && (!place?.dispatch || SETTLED.has(place.dispatch.state));
  }

  #ask(): void {
    const session = this.#session;
    if (!session) return;
    clearTimeout(this.#pause);
    this.#isAsking = true;
    session.ask(
      surroundingsDocument,
      { id: this.#deployId },
      (answer) => void (session === this.#session && this.#answered(answer)),
      ({ code }) => void (session === this.#session && this.#refused(code)),
    );
  }

  #answered(answer: Surroundings): void {
    this.#isAsking = false;
    const changed = JSON.stringify(answer) !== JSON.stringify(this.known);
    this.#unchanged = changed ? 0 : this.#unchanged + 1;
    this.known = answer;
    if (changed) this.#onChange();
    if (this.#isSettled) this.#again = false;
    else if (this.#again || !this.#hasEnded) this.#goOn();
  }

  // Of a deploy that has ended nobody looks for a run any more. What may still come of it, comes with an entry.
  get #hasEnded(): boolean {
    return (this.known?.deploy?.status.outcome ?? "IN_PROGRESS") !== "IN_PROGRESS";
  }

  #refused(code: string): void {
    this.#isAsking = false;
    this.#unchanged++;
    if (FINAL_CODES.has(code)) this.end();
    else this.#goOn();
  }

  #goOn(): void {
    if (this.#again) {
      this.#again = false;
      return this.#ask();
    }
    const ceiling = Math.min(LONGEST_MS, FIRST_MS * 1.5 ** this.#unchanged);
    this.#pause = setTimeout(() => this.#ask(), ceiling * (0.7 + 0.3 * Math.random()));
  }
}
