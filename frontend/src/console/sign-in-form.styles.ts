import { css } from "lit";

export const signInFormStyles = css`
  :host {
    display: block;
    color: var(--pl-text);
    font-family: var(--pl-sans);
    font-size: 15px;
    line-height: 1.45;
  }
  form {
    display: grid;
    gap: 16px;
  }
  h2 {
    font-size: 20px;
    font-weight: 660;
    line-height: 1.25;
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
  .error:empty {
    display: none;
  }
  .code {
    font-size: 12px;
    font-weight: 400;
  }
  .provider {
    display: flex;
    justify-content: center;
    padding: 0.45em 0.9em;
    border: 1px solid var(--pl-strong-line);
    border-radius: 8px;
    color: var(--pl-text);
    font-weight: 550;
    text-decoration: none;
  }
  .provider:hover {
    background: color-mix(in srgb, var(--pl-active) 9%, var(--pl-surface));
  }
  .or {
    display: grid;
    grid-template-columns: 1fr auto 1fr;
    align-items: center;
    gap: 12px;
    color: var(--pl-muted);
    font-size: 13px;
  }
  .or::before,
  .or::after {
    content: "";
    border-block-start: 1px solid var(--pl-line);
  }
`;
