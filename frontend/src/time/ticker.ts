import type { ReactiveController, ReactiveControllerHost } from "lit";

/** Redraws its host each second, while it runs. It says that time has passed, and nothing else. */
export class Ticker implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  #interval: ReturnType<typeof setInterval> | undefined;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  run(running: boolean): void {
    if (running === (this.#interval !== undefined)) return;
    clearInterval(this.#interval);
    this.#interval = running ? setInterval(() => this.#host.requestUpdate(), 1_000) : undefined;
  }

  hostDisconnected(): void {
    this.run(false);
  }
}
