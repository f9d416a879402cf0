import "../modal/phaseline-deploy-modal.ts";
import { Console } from "./console.ts";
import { SignInForm } from "./sign-in-form.ts";
import { StartForm } from "./start-form.ts";

customElements.define("phaseline-sign-in", SignInForm);
customElements.define("phaseline-start-form", StartForm);
customElements.define("phaseline-console", Console);
