import { css } from "lit";

export const auditListStyles = css`
  .audit {
    display: grid;
    gap: 8px;
    min-inline-size: 0;
  }
  .audit .top {
    display: flex;
    flex-wrap: wrap;
    align-items: baseline;
    justify-content: space-between;
    gap: 2px 16px;
  }
  .audit h3 {
    font-size: 16px;
    font-weight: 620;
  }
  .position {
    color: var(--pl-muted);
    font-variant-numeric: tabular-nums;
  }
  .entries {
    border: 1px solid var(--pl-line);
    border-radius: 12px;
    overflow: hidden;
  }
  .entry {
    display: grid;
    grid-template-columns: 3em 6.8em minmax(0, 1fr) 6em minmax(0, 12.8em);
    gap: 0 12px;
    align-items: start;
    padding-block: 9px;
    padding-inline: 19px 16px;
    font-size: 14px;
    line-height: 22px;
  }
  .entry + .entry {
    border-block-start: 1px solid var(--pl-line);
  }
  .entry .number,
  .entry .at,
  .entry .actor {
    color: var(--pl-muted);
    font-variant-numeric: tabular-nums;
    overflow-wrap: anywhere;
  }
  .entry .actor {
    text-align: end;
  }
  .entry .source {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    font-size: 13px;
  }
  .entry .source .icon {
    inline-size: 16px;
    block-size: 16px;
    color: var(--pl-muted);
  }
  .entry .what {
    display: grid;
    gap: 2px;
    overflow-wrap: anywhere;
  }
  .entry .head {
    display: flex;
    flex-wrap: wrap;
    align-items: baseline;
    gap: 2px 8px;
    font-weight: 550;
  }
  .entry .message {
    color: var(--pl-muted);
  }
  .entry .tag {
    padding: 0 7px;
    border: 1px solid var(--pl-line);
    border-radius: 99px;
    color: var(--pl-muted);
    font-size: 12.5px;
    line-height: 18px;
    font-weight: 500;
  }
  .entry[data-kind="CALLBACK_REFUSED"] {
    padding-inline-start: 16px;
    border-inline-start: 3px solid var(--pl-failed);
    background: color-mix(in srgb, var(--pl-failed) 6%, var(--pl-surface));
  }
  .entry .refused {
    color: var(--pl-failed);
  }
  .entry .refused .icon {
    inline-size: 17px;
    block-size: 17px;
    margin-inline-end: 5px;
    vertical-align: -3.5px;
  }
  .entry .code {
    color: var(--pl-failed);
    font-weight: 500;
  }
  .audit .older {
    justify-self: center;
  }
  .entry:focus-visible {
    outline-offset: -3px;
  }
  @container (max-width: 800px) {
    .entry {
      grid-template-columns: auto auto auto minmax(0, 1fr);
    }
    .entry .what {
      grid-column: 1 / -1;
      grid-row: 2;
    }
  }
`;
