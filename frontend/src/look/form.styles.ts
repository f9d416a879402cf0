import { css } from "lit";

/** A dialog with a form in it. */
export const formDialogStyles = css`
  :host {
    font-family: var(--pl-sans);
    font-size: 15px;
    line-height: 1.45;
    color: var(--pl-text);
  }
  dialog {
    inline-size: min(460px, 100vw - 24px);
    max-block-size: calc(100dvh - 24px);
    padding: 0;
    border: 1px solid var(--pl-line);
    border-radius: 16px;
    background: var(--pl-surface);
    color: inherit;
    box-shadow: 0 24px 70px -12px var(--pl-shadow);
  }
  dialog::backdrop {
    background: rgb(8 13 24 / 55%);
  }
  form {
    display: grid;
    gap: 16px;
    padding: 18px 24px 24px;
  }
  .top-bar {
    display: flex;
    align-items: center;
    justify-content: space-between;
    margin-inline-end: -10px;
  }
  h2 {
    font-size: 20px;
    font-weight: 660;
  }
  .field {
    display: grid;
    gap: 4px;
  }
  label {
    font-weight: 580;
  }
  .hint {
    color: var(--pl-muted);
    font-size: 13px;
  }
  .error {
    color: var(--pl-failed);
    font-size: 14px;
    font-weight: 550;
  }
  .code {
    font-size: 12px;
    font-weight: 400;
  }
  [role="alert"]:empty {
    display: none;
  }
  .actions {
    display: flex;
    flex-wrap: wrap;
    justify-content: flex-end;
    gap: 8px 12px;
  }
`;

/** Fields, and the button that sends them. */
export const fieldStyles = css`
  input,
  select {
    inline-size: 100%;
    min-block-size: 38px;
    padding: 0.35em 0.7em;
    border: 1px solid var(--pl-strong-line);
    border-radius: 8px;
    background: var(--pl-surface);
    color: var(--pl-text);
    font: inherit;
  }
  input[aria-invalid="true"],
  select[aria-invalid="true"] {
    border-color: var(--pl-failed);
    box-shadow: 0 0 0 1px var(--pl-failed);
  }
  button.primary {
    border-color: transparent;
    background: light-dark(#1857c9, #85b5ff);
    color: light-dark(#ffffff, #0b1018);
  }
  button.primary:hover {
    background: light-dark(#134aae, #a4c8ff);
  }
`;
