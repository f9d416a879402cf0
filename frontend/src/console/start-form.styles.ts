import { css } from "lit";

export const startFormStyles = css`
  .standing {
    display: grid;
    gap: 2px;
    padding: 8px 12px;
    border: 1px solid var(--pl-line);
    border-radius: 8px;
    background: var(--pl-sunken);
    font-size: 14px;
    overflow-wrap: anywhere;
  }
  .standing:empty,
  .changes:empty {
    display: none;
  }
  .standing .aside {
    color: var(--pl-muted);
  }
  .standing-as-of {
    margin-block-start: -12px;
  }
  .standing .outlook {
    font-weight: 550;
  }
  .changes {
    margin-block-start: -10px;
    font-size: 13px;
  }
  .changes a,
  .notice a {
    white-space: nowrap;
  }
`;
