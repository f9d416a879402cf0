import type { ReactiveController, ReactiveControllerHost } from "lit";
import { identityDocument } from "../graphql/console-documents.ts";
import type { Identity } from "../graphql/documents.ts";
import { graphqlEndpoint } from "../graphql/endpoint.ts";
import { Failure } from "../graphql/failure.ts";
import { request } from "../graphql/request.ts";
import type { Right } from "../graphql/types.ts";
import { signOut } from "./sign-in-requests.ts";

/** What the tabs of a browser tell each other: that one of them has signed in or out, which holds for all. */
const CHANNEL = "phaseline-sign-in";

/** Who is calling, as the server last said; asked when the page is there, and whenever it may have changed. */
export class Caller implements ReactiveController {
  /** Null before the first answer. */
  identity: Identity | null = null;
  /** Why it is not known now who is calling. */
  failure: Failure | null = null;
  /** Why it is not known that who wanted to be signed out is. */
  signOutFailure: Failure | null = null;

  readonly #host: ReactiveControllerHost;
  readonly #onChange: () => void;
  #channel: BroadcastChannel | null = null;
  #newestQuestion = 0;

  /** `onChange` is called with each answer that is another one than before. */
  constructor(host: ReactiveControllerHost, onChange: () => void) {
    this.#host = host;
    this.#onChange = onChange;
    host.addController(this);
  }

  hostConnected(): void {
    this.#channel = new BroadcastChannel(CHANNEL);
    this.#channel.onmessage = () => void this.ask();
    void this.ask();
  }

  hostDisconnected(): void {
    this.#channel?.close();
    this.#channel = null;
  }

  /** Whether the server has said so; where it has not answered yet, nobody is called signed out. */
  get isSignedOut(): boolean {
    return this.identity !== null && this.identity.proof === "NOTHING" && this.identity.rights.length === 0;
  }

  may(right: Right): boolean {
    return this.identity?.rights.includes(right) ?? false;
  }

  /** Asks the server. The answer that counts is that to the newest question. */
  async ask(): Promise<void> {
    const question = ++this.#newestQuestion;
    try {
      const { identity } = await request(graphqlEndpoint(null), identityDocument, {});
      if (question === this.#newestQuestion) this.#learn(identity);
    } catch (failure) {
      if (question === this.#newestQuestion) this.#fail(failure);
    }
  }

  /** Asks anew, here and in all other tabs, because this browser has just been signed in. */
  async signedIn(): Promise<void> {
    this.#channel?.postMessage("in");
    await this.ask();
  }

  async signOut(): Promise<void> {
    try {
      await signOut();
    } catch (failure) {
      this.signOutFailure = Failure.of(failure);
      return this.#host.requestUpdate();
    }
    this.signOutFailure = null;
    this.#channel?.postMessage("out");
    await this.ask();
  }

  #learn(identity: Identity): void {
    const changed = JSON.stringify(identity) !== JSON.stringify(this.identity);
    this.identity = identity;
    this.failure = null;
    if (this.isSignedOut) this.signOutFailure = null;
    if (changed) this.#onChange();
    this.#host.requestUpdate();
  }

  #fail(failure: unknown): void {
    this.failure = Failure.of(failure);
    this.#host.requestUpdate();
  }
}
