import { css } from "lit";

export const confirmationStyles = css`
  p {
    overflow-wrap: anywhere;
  }
  [role="alert"] {
    display: grid;
    gap: 8px;
  }
  .deploy {
    color: var(--pl-muted);
  }
`;
