import type { Connection, DeployFeed } from "../feed/deploy-feed.ts";
import type { Deploy } from "../graphql/documents.ts";
import { announcement } from "./announcement.ts";
import { entryStatus } from "./audit-list.ts";

/** Chooses the words of the live region. They change only when there is something new to say, for whatever is rewritten is read. */
export class Announcer {
  text = "";
  #deploy: Deploy | null = null;
  #connection: Connection = "connecting";
  #entriesTold = 0;

  hear(feed: DeployFeed): void {
    const said = [this.#connectionWords(feed), ...this.#refusalWords(feed), this.#deployWords(feed)].filter(Boolean);
    if (said.length) this.text = said.join(" ");
  }

  forget(): void {
    this.text = "";
    this.#deploy = null;
    this.#connection = "connecting";
    this.#entriesTold = 0;
  }

  #connectionWords({ connection, history }: DeployFeed): string {
    const before = this.#connection;
    this.#connection = connection;
    if (connection === before) return "";
    if (connection === "lost") return `Connection lost. Last confirmed: entry ${history.confirmed}.`;
    return connection === "live" && before === "lost" ? "Connected again." : "";
  }

  #deployWords({ history: { deploy } }: DeployFeed): string {
    if (!deploy || deploy === this.#deploy) return "";
    const before = this.#deploy;
    this.#deploy = deploy;
    return announcement(before, deploy);
  }

  // What had happened before the viewer came is in the list, and is not news.
  #refusalWords({ history, labels }: DeployFeed): string[] {
    const told = this.#entriesTold;
    this.#entriesTold = Math.max(told, this.#deploy ? history.lastEntry : history.newest);
    if (!this.#deploy) return [];
    return history.entries
      .slice(history.entries.findLastIndex((entry) => entry.sequence <= told) + 1)
      .filter((entry) => entry.kind === "CALLBACK_REFUSED")
      .map((entry) => `Entry ${entry.sequence}: callback refused, asked for ${entryStatus(entry.toStatus, labels)}.`);
  }
}
