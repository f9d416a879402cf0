import { html, LitElement, nothing, type TemplateResult } from "lit";
import { Failure } from "../graphql/failure.ts";
import { common, tokens } from "../look/tokens.styles.ts";
import { sentence } from "../words.ts";
import { providerWords, takeProviderFailure } from "./provider-failure.ts";
import { PROVIDER_PATH, providerToSignInThrough, signInWith, type Provider } from "./sign-in-requests.ts";
import { signInFormStyles } from "./sign-in-form.styles.ts";
import { fieldStyles } from "../look/form.styles.ts";

/**
 * Signs the browser in: with a token, or through the organisation's provider where there is one. Event: `phaseline-signed-in`, when
 * the browser has its cookie. `phaseline-leaving` comes before the page is left for the provider.
 */
export class SignInForm extends LitElement {
  static override styles = [tokens, common, fieldStyles, signInFormStyles];

  #provider: Provider | null = null;
  /** What the way to the provider and back came to, where that was nothing and a token has not been tried since. */
  #notThrough = takeProviderFailure();
  #failure: Failure | null = null;
  #busy = false;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#findProvider();
  }

  protected override render(): TemplateResult {
    const wrong = this.#failure !== null;
    return html`<form @submit=${this.#submit} @input=${this.#edited}>
      <h2 id="title">Sign in</h2>
      ${this.#notThrough ? html`<p class="error not-through" role="alert">${providerWords(this.#notThrough)} <code class="code">${this.#notThrough}</code></p>` : nothing}
      ${this.#provider ? this.#through(this.#provider) : nothing}
      <div class="field">
        <label for="token">Token</label>
        <input
          id="token" name="token" type="password" required autocomplete="off" autocapitalize="none" spellcheck="false"
          aria-describedby=${wrong ? "token-error token-hint" : "token-hint"} aria-invalid=${wrong ? "true" : "false"} />
        <div class="error" id="token-error" role="alert">${this.#failure ? said(this.#failure) : nothing}</div>
        <p class="hint" id="token-hint">It begins with <code>phl_</code>. Whoever runs this server gives it to you.</p>
      </div>
      <button class="primary" ?disabled=${this.#busy}>${this.#busy ? "Signing in …" : "Sign in"}</button>
    </form>`;
  }

  #through({ name }: Provider): TemplateResult {
    return html`<a class="provider" href=${PROVIDER_PATH} @click=${() => this.dispatchEvent(new Event("phaseline-leaving"))}
        >Sign in with <bdi>${name}</bdi></a
      >
      <p class="or"><span>or</span></p>`;
  }

  override focus(): void {
    this.#field?.focus();
  }

  protected override firstUpdated(): void {
    this.focus();
  }

  // Without an answer there is still the token.
  async #findProvider(): Promise<void> {
    try {
      this.#provider = await providerToSignInThrough();
      this.requestUpdate();
    } catch {
      this.#provider = null;
    }
  }

  readonly #edited = (): void => {
    if (!this.#failure) return;
    this.#failure = null;
    this.requestUpdate();
  };

  readonly #submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const field = this.#field;
    if (this.#busy || !field) return;
    this.#notThrough = null;
    this.#change(true, null);
    try {
      await signInWith(field.value.trim());
      field.value = "";
      this.#change(false, null);
      this.dispatchEvent(new Event("phaseline-signed-in"));
    } catch (failure) {
      this.#change(false, Failure.of(failure));
      field.select();
      field.focus();
    }
  };

  #change(busy: boolean, failure: Failure | null): void {
    this.#busy = busy;
    this.#failure = failure;
    this.requestUpdate();
  }

  get #field(): HTMLInputElement | null {
    return this.renderRoot.querySelector("input");
  }
}

function said({ message, code }: Failure): TemplateResult {
  return html`${sentence(message)} <code class="code">${code}</code>`;
}
