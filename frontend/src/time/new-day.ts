import type { ReactiveController, ReactiveControllerHost } from "lit";

/** Redraws its host when the viewer's day changes: a time that was of today is of yesterday then, and has to say so. */
export class NewDay implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  #midnight: ReturnType<typeof setTimeout> | undefined;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostConnected(): void {
    this.#await();
  }

  hostDisconnected(): void {
    clearTimeout(this.#midnight);
  }

  #await(): void {
    const now = new Date();
    const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
    this.#midnight = setTimeout(() => {
      this.#host.requestUpdate();
      this.#await();
    }, midnight.getTime() - now.getTime());
  }
}
