import type { Connection, DeployFeed } from "../feed/deploy-feed.ts";
import type { History } from "../feed/history.ts";
import type { AuditEntry, Deploy } from "../graphql/documents.ts";
import { announcement } from "./announcement.ts";
import { asideWords, entryStatus, type Labels } from "./audit-list.ts";
import { dispatchWords, placeWords } from "./beside.ts";
import { isUnknown } from "./notices.ts";
import { ending, trouble } from "./trouble.ts";

/** Chooses the words of the live region. They change only when there is something new to say, for whatever is rewritten is read. */
export class Announcer {
  text = "";
  /** The history that was last told of. */
  #history: History | null = null;
  #deploy: Deploy | null = null;
  /** The connection that was last told of. Null before the first. */
  #connection: Connection | null = null;
  /** The trouble with it that was last told of; empty where it was live since. */
  #trouble = "";
  #entriesTold = 0;
  /** What was last told of where it waits. */
  #waiting = "";

  hear(feed: DeployFeed): void {
    const words = [this.#connectionWords(feed), this.#restartWords(feed), ...this.#entryWords(feed), this.#deployWords(feed), this.#waitingWords(feed)];
    const said = words.filter(Boolean);
    if (said.length) this.text = said.join(" ");
  }

  forget(): void {
    this.text = "";
    this.#history = null;
    this.#deploy = null;
    this.#connection = null;
    this.#trouble = "";
    this.#entriesTold = 0;
    this.#waiting = "";
  }

  // To be connecting is no news, and to be closed is none where nothing failed. Another trouble is news: first the connection was
  // lost, say, and now it turns out that the database does not answer.
  #connectionWords(feed: DeployFeed): string {
    const { connection, failure } = feed;
    const before = this.#connection;
    const title = connection === "lost" ? trouble(feed).title : "";
    if (connection === "connecting" || (connection === "closed" && !failure)) return "";
    if (connection === before && title === this.#trouble) return "";
    this.#connection = connection;
    this.#trouble = title;
    if (connection === "live") return before === null ? "" : this.#history ? "Connected again." : "Connected.";
    return troubleWords(feed);
  }

  // Said together with how the deploy stands in the history that replaced what was shown, for a moment later it would be overwritten.
  #restartWords({ history, restartedFrom }: DeployFeed): string {
    if (!history.deploy || history === this.#history) return "";
    this.#history = history;
    this.#deploy = null;
    this.#entriesTold = 0;
    return restartedFrom === null ? "" : "The server's history differs from what was shown here.";
  }

  #deployWords({ history: { deploy } }: DeployFeed): string {
    if (!deploy || deploy === this.#deploy) return "";
    const before = this.#deploy;
    this.#deploy = deploy;
    return announcement(before, deploy);
  }

  // No entry tells of it.
  #waitingWords({ history, surroundings: { known } }: DeployFeed): string {
    if (!history.deploy || !known?.deploy) return "";
    const { queuePosition, dispatch } = known.deploy;
    const place = queuePosition === null ? "" : `${placeWords(queuePosition)}.`;
    const words = [place, (dispatch && dispatchWords(history.deploy, dispatch)) ?? ""].filter(Boolean).join(" ");
    if (words === this.#waiting) return "";
    this.#waiting = words;
    return words;
  }

  // What had happened before the viewer came is in the list, and is not news.
  #entryWords({ history, labels }: DeployFeed): string[] {
    const told = this.#entriesTold;
    this.#entriesTold = Math.max(told, this.#deploy ? history.lastEntry : history.newest);
    if (!this.#deploy) return [];
    return history.entries
      .slice(history.entries.findLastIndex((entry) => entry.sequence <= told) + 1)
      .map((entry) => entryWords(entry, labels))
      .filter(Boolean);
  }
}

// Of entries that moved the deploy, its own words tell.
function entryWords(entry: AuditEntry, labels: Labels): string {
  if (entry.kind === "CALLBACK_REFUSED") return `Entry ${entry.sequence}: callback refused, asked for ${entryStatus(entry.toStatus, labels)}.`;
  const aside = asideWords(entry);
  return aside === null ? "" : `Entry ${entry.sequence}: ${aside}.`;
}

function troubleWords(feed: DeployFeed): string {
  const { connection, history } = feed;
  if (isUnknown(feed)) return "There is no deploy with this id.";
  const last = history.deploy ? ` Last confirmed: entry ${history.confirmed}.` : "";
  if (connection === "lost") return trouble(feed).title + last;
  return ending(feed, false).title + last;
}
