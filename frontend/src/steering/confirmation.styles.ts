import { css } from "lit";

export const confirmationStyles = css`
  p {
    overflow-wrap: anywhere;
  }
  .deploy {
    color: var(--pl-muted);
  }
`;
