import { vi } from "vitest";
import type { AuditEntry, Deploy, Surroundings, ToldEntry } from "../src/graphql/documents.ts";
import { deploy } from "./make.ts";

interface Message {
  readonly id?: string;
  readonly type: string;
  readonly payload?: { readonly query: string; readonly variables: Record<string, unknown>; readonly authorization?: string };
}

/** One subscription that a viewer began, as the server sees it. */
export interface Subscription {
  readonly field: string;
  readonly variables: Record<string, unknown>;
  /** Data, and an error of this code beside it. */
  next(data: unknown, code?: string): void;
  error(code: string, field?: string): void;
  complete(): void;
}

/** A server of graphql-transport-ws in place of the browser's WebSocket: graphql-ws itself is the real one. */
export class FakeServer {
  readonly sockets: FakeSocket[] = [];
  /** False: connections are refused. */
  accepts = true;
  /** False: whatever is sent vanishes, and nothing comes. */
  answers = true;
  /** False: pings are answered, and nothing else. */
  acknowledges = true;
  /** What it closes a socket with as soon as that says who watches; null: it takes everybody. */
  refuses: { readonly code: number; readonly reason: string } | null = null;
  /** The log of the one deploy it holds, which it answers from as the real one does; empty: it holds none. Null: it says nothing. */
  log: ToldEntry[] | null = null;
  /** What it tells beside the log; null: it is of an older version, and refuses the question. */
  surroundings: Surroundings | null = null;
  /** How messages arrive: all at once, or each as a task of its own, as in a browser. */
  arrive: (deliver: () => void) => void = queueMicrotask;

  install(): this {
    const server = this;
    vi.stubGlobal(
      "WebSocket",
      class extends FakeSocket {
        constructor() {
          super(server);
        }
      },
    );
    return this;
  }

  get last(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("nobody has connected");
    return socket;
  }

  /** The newest subscription to this field. */
  subscription(field: string): Subscription {
    const found = this.sockets.flatMap((socket) => socket.subscriptions).findLast((subscription) => subscription.field === field);
    if (!found) throw new Error(`nobody follows ${field}`);
    return found;
  }

  phaseChanged(deploy: Deploy, entry: AuditEntry): void {
    this.subscription("phaseChanged").next({ phaseChanged: { deploy, entry } });
  }

  /** Appends an entry to the log, and tells both streams of it. */
  record(entry: ToldEntry): void {
    this.log?.push(entry);
    if (moves(entry)) this.phaseChanged(deployAt(entry), entry);
    this.auditEntryAdded(entry);
  }

  auditEntryAdded(...entries: ToldEntry[]): void {
    for (const entry of entries) this.subscription("auditEntryAdded").next({ auditEntryAdded: entry });
  }
}

class FakeSocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readyState = FakeSocket.CONNECTING;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  readonly subscriptions: Subscription[] = [];
  /** What the first message said of who watches. */
  authorization: string | undefined;
  readonly openedAt = Date.now();

  readonly server: FakeServer;

  constructor(server: FakeServer) {
    this.server = server;
    server.sockets.push(this);
    queueMicrotask(() => {
      if (!server.answers) return;
      if (!server.accepts) {
        this.onerror?.({ type: "error" });
        return this.drop();
      }
      this.readyState = FakeSocket.OPEN;
      this.onopen?.();
    });
  }

  send(text: string): void {
    if (!this.server.answers) return;
    const message = JSON.parse(text) as Message;
    if (message.type === "connection_init") this.#begun(message);
    if (message.type === "ping") this.tell({ type: "pong" });
    if (message.type === "subscribe") this.#subscribed(message);
  }

  /** The viewer hangs up. */
  close(): void {
    this.readyState = FakeSocket.CLOSED;
  }

  /** The server, or the network, hangs up. */
  drop(code = 1006, reason = ""): void {
    this.readyState = FakeSocket.CLOSED;
    this.onclose?.({ code, reason });
  }

  tell(message: unknown): void {
    this.server.arrive(() => {
      if (this.server.answers && this.readyState === FakeSocket.OPEN) this.onmessage?.({ data: JSON.stringify(message) });
    });
  }

  #begun({ payload }: Message): void {
    const { refuses, acknowledges } = this.server;
    this.authorization = payload?.authorization;
    if (refuses) queueMicrotask(() => this.drop(refuses.code, refuses.reason));
    else if (acknowledges) this.tell({ type: "connection_ack" });
  }

  #subscribed({ id, payload }: Message): void {
    const field = /\{\s*(\w+)/.exec(payload?.query ?? "")?.[1] ?? "";
    const subscription: Subscription = {
      field,
      variables: payload?.variables ?? {},
      next: (data, code) => this.tell({ id, type: "next", payload: { data, ...(code && { errors: [{ message: code, extensions: { code } }] }) } }),
      error: (code, field) => this.tell({ id, type: "error", payload: [{ message: `refused: ${code}`, extensions: { code, field } }] }),
      complete: () => this.tell({ id, type: "complete" }),
    };
    this.subscriptions.push(subscription);
    if (field === "identity") answerBeside(subscription, this.server.surroundings);
    else if (this.server.log) answer(subscription, this.server.log);
  }
}

function deployAt({ sequence, toStatus, attempt }: AuditEntry, known = sequence): Deploy {
  return deploy(known, toStatus ?? "", { attempt });
}

function moves({ kind }: AuditEntry): boolean {
  return kind === "DEPLOY_STARTED" || kind === "TRANSITION";
}

function answerBeside({ next, error }: Subscription, surroundings: Surroundings | null): void {
  if (surroundings) next(surroundings);
  else error("GRAPHQL_VALIDATION_FAILED");
}

function answer({ field, variables, next, error }: Subscription, log: readonly ToldEntry[]): void {
  if (field === "deploy") return next({ deploy: log.length ? { sequence: log.length } : null });
  if (field !== "phaseChanged" && field !== "auditEntryAdded") return;
  const after = variables["after"] as number | null;
  if (!log.length) return error("DEPLOY_NOT_FOUND");
  if (after !== null && after > log.length) return error("AFTER_AHEAD");
  if (field === "auditEntryAdded") return log.slice(after ?? -1).forEach((auditEntryAdded) => next({ auditEntryAdded }));
  const moved = log.filter(moves);
  const last = moved.at(-1);
  if (after === null && last) return next({ phaseChanged: { deploy: deployAt(last, log.length), entry: last } });
  for (const entry of moved.filter(({ sequence }) => sequence > (after ?? 0))) next({ phaseChanged: { deploy: deployAt(entry), entry } });
}
