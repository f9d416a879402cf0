import type { ReactiveController, ReactiveControllerHost } from "lit";
import { Failure } from "../graphql/failure.ts";

/** What an answer is about: an environment, and what was typed. */
export interface Typed {
  readonly environment: string;
  readonly text: string;
}

/**
 * The answer to what somebody is typing: asked for when they pause, and only the newest counts. It is a help and no more: where it fails,
 * there is none.
 */
export class AsTyped<Answer> implements ReactiveController {
  /** The newest answer there was, which may be about what was typed before. */
  answer: Answer | null = null;
  /** Why there was none. */
  failure: Failure | null = null;
  /** What they are about. */
  about: Typed | null = null;

  readonly #host: ReactiveControllerHost;
  readonly #ask: (typed: Typed) => Promise<Answer | null>;
  readonly #pauseMs: number;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #newestQuestion = 0;

  constructor(host: ReactiveControllerHost, ask: (typed: Typed) => Promise<Answer | null>, pauseMs: number) {
    this.#host = host;
    this.#ask = ask;
    this.#pauseMs = pauseMs;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.forget();
  }

  /** Somebody has typed this; `at once` where they have not to be waited for. */
  type(typed: Typed, atOnce = false): void {
    clearTimeout(this.#pause);
    const question = ++this.#newestQuestion;
    this.#pause = setTimeout(() => void this.#find(typed, question), atOnce ? 0 : this.#pauseMs);
  }

  forget(): void {
    clearTimeout(this.#pause);
    this.#newestQuestion++;
    this.answer = this.failure = this.about = null;
  }

  /** Why there is no answer about this; null where there is one, or it was not asked for. */
  whyNot(text: string): Failure | null {
    return this.about?.text === text ? this.failure : null;
  }

  async #find(typed: Typed, question: number): Promise<void> {
    const answer = await this.#ask(typed).catch(Failure.of);
    if (question !== this.#newestQuestion) return;
    [this.answer, this.failure] = answer instanceof Failure ? [null, answer] : [answer, null];
    this.about = typed;
    this.#host.requestUpdate();
  }
}
