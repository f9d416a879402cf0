import type { DeployFeed } from "../feed/deploy-feed.ts";
import { sentence } from "../words.ts";

/** What is the matter with a connection that is lost, or closed for a reason: in the bar, as the head of the notice, and why. */
export interface Trouble {
  readonly word: string;
  readonly title: string;
  readonly why: string;
}

// The server's own words for these are meant for programs, which are told what to do about it. The modal does it by itself.
const whys: Readonly<Record<string, string>> = {
  CLOSED_1006: "It broke off without a word from the server.",
  CLOSED_1012: "The server is stopping, as it does for a restart or an update.",
  CLOSED_1013: "The server closed it, because this page was too slow to take what it was sent. What is missing will be sent again.",
  SERVER_STOPPING: "The server is stopping, as it does for a restart or an update.",
};

/** Where nothing was received there was nothing to lose. Where the server answers that it cannot tell, the connection is not to blame. */
export function trouble({ failure, history }: DeployFeed): Trouble {
  if (failure?.code === "UNAVAILABLE") {
    return {
      word: "Database not answering",
      title: "The database does not answer.",
      why: "The server is there, but cannot find out how the deploy stands now.",
    };
  }
  const word = history.deploy ? "Connection lost" : "No connection";
  return { word, title: `${word}.`, why: failure ? (whys[failure.code] ?? sentence(failure.message)) : "" };
}

/** The same where nothing more will come by itself. `foreign`: to a page of another origin, which has to prove itself who watches. */
export function ending({ failure, history }: DeployFeed, foreign: boolean): Trouble {
  const followed = history.deploy !== null;
  const standing = followed ? "What is shown here is no longer followed. " : "";
  switch (failure?.code) {
    case "DEPLOY_NOT_FOUND":
      return { word: NOT_CONNECTED, title: "The server no longer holds this deploy.", why: "It may run on another database now." };
    case "UNAUTHENTICATED":
      return {
        word: followed ? "Signed out" : "Not signed in",
        title: followed ? "Signed out." : "Not signed in.",
        why: standing + (foreign ? "This page has to prove who you are." : `Sign in ${followed ? "again to go on" : "to see this deploy"}.`),
      };
    case "FORBIDDEN":
      return { word: "Not allowed", title: "You may not see this deploy.", why: standing + "Whoever runs the server can change that." };
  }
  return { word: NOT_CONNECTED, title: sentence(failure?.message ?? ""), why: "" };
}

const NOT_CONNECTED = "Not connected";
