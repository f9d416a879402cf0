import type { DeployFeed } from "../feed/deploy-feed.ts";

/** What `phaseline-change` carries: the status shown, and the sequence it is confirmed up to. */
export interface ChangeDetail {
  readonly deployId: string;
  readonly status: string;
  readonly sequence: number;
}

/** Writes what is shown into the modal's own attributes, and tells the page of what has changed. */
export function reflect(modal: HTMLElement, { connection, failure, history }: DeployFeed): void {
  const { deploy, confirmed, newest } = history;
  const { failure: failedBefore } = modal.dataset;
  const before = [modal.dataset["status"], modal.dataset["sequence"]].join();
  const reflected = {
    connection,
    status: deploy?.status.key,
    outcome: deploy?.status.outcome,
    sequence: deploy ? confirmed : undefined,
    newest: deploy ? newest : undefined,
    attempt: deploy?.attempt,
    failure: connection === "closed" ? failure?.code : undefined,
  };
  for (const [name, value] of Object.entries(reflected)) {
    if (value === undefined) delete modal.dataset[name];
    else modal.dataset[name] = String(value);
  }
  if (reflected.failure === "UNAUTHENTICATED" && failedBefore !== reflected.failure) {
    modal.dispatchEvent(new Event("phaseline-unauthenticated", { bubbles: true, composed: true }));
  }
  if (!deploy || before === [deploy.status.key, confirmed].join()) return;
  const detail: ChangeDetail = { deployId: deploy.id, status: deploy.status.key, sequence: confirmed };
  modal.dispatchEvent(new CustomEvent("phaseline-change", { detail, bubbles: true, composed: true }));
}
