import { css } from "lit";

export const confirmationStyles = css`
  .deploy {
    color: var(--pl-muted);
    overflow-wrap: anywhere;
  }
  .deploy code {
    color: var(--pl-text);
  }
  .top-bar {
    align-items: start;
    gap: 8px;
  }
  .top-bar h2 {
    padding-block: 4px;
  }
  form {
    gap: 14px;
  }
`;
