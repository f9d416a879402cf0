import { html, nothing, type TemplateResult } from "lit";
import type { Deploy, Surroundings } from "../graphql/documents.ts";
import { actionsFor, actionWord, isUnsent, type Action } from "../steering/actions.ts";
import type { Subject } from "../steering/subject.ts";

/** What this caller may do about the deploy, a button for each; nothing where it is not known, or not known any more, what that is. */
export function steeringButtons(
  deploy: Deploy,
  surroundings: Surroundings | null,
  ask: (subject: Subject) => void,
): TemplateResult | typeof nothing {
  const actions = surroundings ? actionsFor(deploy, surroundings) : [];
  if (!surroundings || !actions.length) return nothing;
  return html`<div class="steering" part="steering" role="group" aria-label="What you may do">
    ${actions.map(
      (action) => html`<button part=${action} @click=${() => ask(subjectOf(action, deploy, surroundings))}>${actionWord(action, deploy.status.outcome)}</button>`,
    )}
  </div>`;
}

function subjectOf(action: Action, deploy: Deploy, surroundings: Surroundings): Subject {
  const environment = surroundings.environments.find(({ name }) => name === deploy.environment);
  return {
    action,
    deploy,
    unsent: isUnsent(surroundings),
    isProtected: environment?.protected ?? false,
    attempt: deploy.attempt,
    outcome: deploy.status.outcome,
    request: deploy.request,
  };
}
