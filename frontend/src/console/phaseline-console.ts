import "../modal/phaseline-deploy-modal.ts";
import { Console } from "./console.ts";
import { StartForm } from "./start-form.ts";

customElements.define("phaseline-start-form", StartForm);
customElements.define("phaseline-console", Console);
