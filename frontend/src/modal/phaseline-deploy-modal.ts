import { DeployModal } from "./deploy-modal.ts";

// A page may load the script twice, or two versions of it: the first one stands.
if (!customElements.get("phaseline-deploy-modal")) customElements.define("phaseline-deploy-modal", DeployModal);

declare global {
  interface HTMLElementTagNameMap {
    "phaseline-deploy-modal": DeployModal;
  }
}
