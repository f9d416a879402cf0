import type { AuditEntry, Deploy, ToldEntry } from "../graphql/documents.ts";

/**
 * What has been received of one deploy: how it stands, from `phaseChanged`, and its audit entries, from `auditEntryAdded`.
 *
 * The two streams are independent and either may be ahead. The steps shown belong to one entry, `confirmed`, and never to a later
 * one: whatever the other stream already knows beyond it only raises `newest`.
 */
export class History {
  /** The deploy as it stood at `transition`; of what is known beside its status, as it stood at `confirmedEntry`. */
  deploy: Deploy | null = null;
  /** The newest accepted entry that `phaseChanged` has told of. */
  transition: AuditEntry | null = null;
  /** The entry that the steps are confirmed up to: `transition`, or the last of those that directly follow it and move nothing. */
  confirmedEntry: AuditEntry | null = null;
  /** Every entry that `auditEntryAdded` has told of, oldest first. */
  readonly entries: ToldEntry[] = [];

  #newest = 0;

  /** Takes an event of `phaseChanged`. False where it says nothing new: repeats, and anything older than what is shown. */
  addTransition(deploy: Deploy, entry: AuditEntry): boolean {
    if (entry.sequence <= this.lastTransition) return false;
    this.deploy = deploy;
    this.transition = this.confirmedEntry = entry;
    this.#newest = Math.max(this.#newest, entry.sequence, deploy.sequence);
    this.#reach();
    return true;
  }

  /** Takes an event of `auditEntryAdded`. False where it is known already. */
  addEntry(entry: ToldEntry): boolean {
    if (entry.sequence <= this.lastEntry) return false;
    this.entries.push(entry);
    this.#newest = Math.max(this.#newest, entry.sequence);
    this.#reach();
    return true;
  }

  /** Whether an entry of the same sequence was received, and was another one. Ids do not tell: they may repeat in a restored log. */
  contradicts(entry: AuditEntry): boolean {
    const { sequence, kind, toStatus, attempt, recordedAt } = entry;
    const known = sequence > this.lastEntry ? undefined : this.entries.findLast((known) => known.sequence === sequence);
    return [this.transition, known].some(
      (known) =>
        known?.sequence === sequence &&
        !(known.kind === kind && known.toStatus === toStatus && known.attempt === attempt && known.recordedAt === recordedAt),
    );
  }

  /** Where `phaseChanged` continues: its last received sequence, 0 before the first. */
  get lastTransition(): number {
    return this.transition?.sequence ?? 0;
  }

  /** Where `auditEntryAdded` continues: its last received sequence, 0 before the first. */
  get lastEntry(): number {
    return this.entries.at(-1)?.sequence ?? 0;
  }

  /** The X of "entry X of Y". */
  get confirmed(): number {
    return this.confirmedEntry?.sequence ?? 0;
  }

  /** The Y of "entry X of Y": the highest sequence known from either stream. */
  get newest(): number {
    return this.#newest;
  }

  // What moves nothing changes no step, so what is confirmed reaches over what of it directly follows, and the facts beside the status are
  // those it tells. It ends before a transition, which only `phaseChanged` can confirm, and before a gap, where there may be one.
  #reach(): void {
    let confirmed = this.confirmedEntry;
    if (!confirmed) return;
    for (const entry of this.#entriesAfter(confirmed.sequence)) {
      const follows = entry.sequence === confirmed.sequence + 1;
      if (!follows || entry.kind === "TRANSITION" || entry.kind === "DEPLOY_STARTED") break;
      confirmed = entry;
      this.#learn(entry);
    }
    this.confirmedEntry = confirmed;
  }

  // The first event of `phaseChanged` tells of the deploy as it stands, which is further than the transition that it comes with.
  #learn({ sequence, deploy: facts }: ToldEntry): void {
    if (this.deploy && sequence > this.deploy.sequence) this.deploy = { ...this.deploy, ...facts };
  }

  #entriesAfter(sequence: number): ToldEntry[] {
    const index = this.entries.findLastIndex((entry) => entry.sequence <= sequence);
    return this.entries.slice(index + 1);
  }
}
