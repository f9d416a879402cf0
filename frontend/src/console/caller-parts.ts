import { html, nothing, type TemplateResult } from "lit";
import type { Failure } from "../graphql/failure.ts";
import { brokenIcon, noteIcon } from "../look/icons.ts";
import { roleWords, sentence } from "../words.ts";
import type { Caller } from "./caller.ts";

/** Who is signed in, and the way out. Nothing where nobody is, or where the server asks nobody who they are. */
export function account(caller: Caller): TemplateResult | typeof nothing {
  const { identity } = caller;
  if (!identity?.role) return nothing;
  return html`<div class="account">
    <p class="caller">
      <span class="unseen">Signed in as</span> <bdi class="name">${identity.name}</bdi> <span class="role">${roleWords[identity.role]}</span>
    </p>
    ${identity.proof === "SIGN_IN" ? html`<button class="sign-out" @click=${() => caller.signOut()}>Sign out</button>` : nothing}
  </div>`;
}

/** Signing out did not succeed, or it is not known now who is calling. */
export function callerFailure(caller: Caller): TemplateResult | typeof nothing {
  const { failure, signOutFailure, identity } = caller;
  if (signOutFailure) return notice("You may still be signed in: signing out is not confirmed.", signOutFailure, () => caller.signOut());
  if (!failure) return nothing;
  const title = identity === null ? "It could not be found out who is signed in." : "It is not known whether you are still signed in.";
  return notice(title, failure, () => caller.ask());
}

function notice(title: string, failure: Failure, again: () => Promise<void>): TemplateResult {
  return html`<div class="notice bad" role="alert">
    ${brokenIcon}
    <div><strong>${title}</strong> ${sentence(failure.message)} <code>${failure.code}</code></div>
    <button @click=${again}>Try again</button>
  </div>`;
}

/** For those who are signed in, and may not see what this page shows. */
export function notForYou(caller: Caller): TemplateResult {
  return html`<div class="list blank forbidden">
    ${noteIcon}
    <strong>You may not see the deploys</strong>
    <p><bdi>${caller.identity?.name}</bdi> has other rights. Sign out to sign in as somebody else.</p>
  </div>`;
}

/** What a screen reader is told when the answer to who is signed in has changed. */
export function callerAnnouncement(caller: Caller, wasSignedIn: boolean): string {
  if (caller.isSignedOut) return wasSignedIn ? "Signed out." : "";
  return caller.identity?.role ? `Signed in as ${caller.identity.name}, ${roleWords[caller.identity.role]}.` : "";
}
