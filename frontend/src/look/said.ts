import { html, nothing, type TemplateResult } from "lit";
import type { Failure } from "../graphql/failure.ts";
import { sentence } from "../words.ts";

/** What was objected to, and the server's code for it, where it was the server. */
export function said({ message, code }: Failure): TemplateResult {
  return html`${sentence(message)} ${code ? html`<code class="code">${code}</code>` : nothing}`;
}
