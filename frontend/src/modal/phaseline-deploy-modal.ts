import { Confirmation } from "../steering/confirmation.ts";
import { DeployModal } from "./deploy-modal.ts";

// A page may load the script twice, or two versions of it: the first one stands.
if (!customElements.get("phaseline-confirmation")) customElements.define("phaseline-confirmation", Confirmation);
if (!customElements.get("phaseline-deploy-modal")) customElements.define("phaseline-deploy-modal", DeployModal);

declare global {
  interface HTMLElementTagNameMap {
    "phaseline-confirmation": Confirmation;
    "phaseline-deploy-modal": DeployModal;
  }
}
