import { css } from "lit";

export const environmentRowsStyles = css`
  .environments {
    display: grid;
    gap: 8px;
    min-inline-size: 0;
  }
  .section-top {
    display: flex;
    flex-wrap: wrap;
    align-items: baseline;
    justify-content: space-between;
    gap: 2px 16px;
  }
  .section-top h2 {
    font-size: 16px;
    font-weight: 620;
  }
  .environment {
    display: grid;
    grid-template-columns: minmax(0, 1.1fr) minmax(0, 1.5fr) minmax(0, 2.6fr);
    gap: 4px 20px;
    align-items: start;
    padding: 11px 20px;
    overflow-wrap: anywhere;
  }
  .environment + .environment {
    border-block-start: 1px solid var(--pl-line);
  }
  .environment h3 {
    font-size: 15px;
    font-weight: 620;
  }
  .environment p > .aside,
  .queue .aside {
    display: block;
  }
  .environment code {
    color: inherit;
  }
  .environment .commit {
    opacity: 0.85;
  }
  .going-on {
    display: grid;
    gap: 8px;
  }
  .queue {
    display: grid;
    gap: 6px;
  }
  .queue li {
    display: grid;
    grid-template-columns: 2.4em minmax(0, 1fr) auto;
    gap: 0 8px;
    align-items: baseline;
  }
  .queue .place {
    color: var(--pl-muted);
    font-variant-numeric: tabular-nums;
  }
  button.small {
    min-block-size: 28px;
    padding: 0.1em 0.7em;
    font-size: 13.5px;
  }
  .quiet summary {
    padding-block: 6px;
    color: var(--pl-muted);
    cursor: pointer;
  }
  @media (max-width: 720px) {
    .environment {
      grid-template-columns: minmax(0, 1fr);
      padding: 12px 14px;
    }
  }
`;
