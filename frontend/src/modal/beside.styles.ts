import { css } from "lit";

export const besideStyles = css`
  .beside {
    display: grid;
    gap: 8px;
  }
  .beside li {
    --tone: var(--pl-active);
    display: grid;
    grid-template-columns: auto minmax(0, 1fr);
    gap: 0 10px;
    padding: 9px 14px 9px 12px;
    border-inline-start: 3px solid var(--tone);
    border-radius: 8px;
    background: color-mix(in srgb, var(--tone) 7%, var(--pl-surface));
    overflow-wrap: anywhere;
  }
  .beside li.unclear {
    --tone: var(--pl-gap);
  }
  .beside li.bad {
    --tone: var(--pl-failed);
  }
  .beside .icon {
    margin-block-start: 1px;
    color: var(--tone);
  }
  .beside strong {
    font-weight: 620;
  }
  .beside .why {
    color: var(--tone);
  }
  .steering {
    display: flex;
    flex-wrap: wrap;
    gap: 8px 10px;
  }
`;
