import { css } from "lit";

// Narrow first: one step a row. Where there is room for them, side by side; more than six never are.
export const stepperStyles = css`
  .step {
    --tone: var(--pl-muted);
    position: relative;
    display: grid;
    grid-template-columns: 40px minmax(0, 1fr);
    gap: 0 14px;
    padding-block-end: 22px;
  }
  .step:last-child {
    padding-block-end: 0;
  }
  .step[data-state="ACTIVE"] {
    --tone: var(--pl-active);
  }
  .step[data-state="PASSED"] {
    --tone: var(--pl-passed);
  }
  .step[data-state="FAILED"] {
    --tone: var(--pl-failed);
  }
  .step[data-state="CANCELLED"] {
    --tone: var(--pl-cancelled);
  }
  .step[data-state="NOT_REPORTED"] {
    --tone: var(--pl-gap);
  }
  /* Once the deploy has ended, what was not reported stands back behind how it ended. */
  [data-outcome]:not([data-outcome="IN_PROGRESS"]) .step[data-state="NOT_REPORTED"] {
    --tone: var(--pl-muted);
  }
  .mark {
    position: relative;
    display: grid;
    place-items: center;
    inline-size: 40px;
    block-size: 40px;
    border: 2px solid var(--tone);
    border-radius: 50%;
    background: color-mix(in srgb, var(--tone) 11%, var(--pl-surface));
    color: var(--tone);
  }
  .mark .icon {
    inline-size: 24px;
    block-size: 24px;
  }
  .step[data-state="PENDING"] .mark {
    border-color: var(--pl-line);
    background: var(--pl-surface);
  }
  .step[data-state="PASSED"] .mark,
  .step[data-state="FAILED"] .mark {
    background: var(--tone);
    color: var(--pl-surface);
  }
  .step[data-state="NOT_REPORTED"] .mark {
    border-style: dashed;
    background: none;
  }
  .step[data-state="ACTIVE"] .mark {
    border-color: color-mix(in srgb, var(--tone) 32%, var(--pl-surface));
    box-shadow: 0 0 0 5px color-mix(in srgb, var(--tone) 13%, transparent);
  }
  .step[data-state="ACTIVE"] .mark::after {
    content: "";
    position: absolute;
    inset: -2px;
    border: 3px solid transparent;
    border-block-start-color: var(--tone);
    border-radius: 50%;
    animation: turn 1.8s linear infinite;
  }
  .line {
    position: absolute;
    inset-block: 46px 6px;
    inset-inline-start: 19px;
    border-inline-start: 2px solid var(--pl-line);
  }
  .step:last-child .line {
    display: none;
  }
  .step[data-state="PASSED"] .line {
    border-color: var(--tone);
  }
  .step[data-state="NOT_REPORTED"] .line {
    border-color: var(--tone);
    border-inline-start-style: dashed;
  }
  .told {
    display: grid;
    gap: 1px;
    font-size: 13.5px;
    color: var(--pl-muted);
    font-variant-numeric: tabular-nums;
  }
  .told .label {
    color: var(--pl-text);
    font-size: 16px;
    font-weight: 620;
    line-height: 1.25;
  }
  .step[data-state="PENDING"] .label,
  [data-outcome]:not([data-outcome="IN_PROGRESS"]) .step[data-state="NOT_REPORTED"] .label {
    color: var(--pl-muted);
  }
  .told .state {
    color: var(--tone);
    font-size: 14px;
    font-weight: 600;
    margin-block-end: 3px;
  }
  .told .running {
    color: var(--pl-text);
    font-weight: 550;
  }
  @container (min-width: 700px) {
    .stepper:not(:has(> :nth-child(7))) {
      display: grid;
      grid-auto-flow: column;
      grid-auto-columns: minmax(0, 1fr);
    }
    .stepper:not(:has(> :nth-child(7))) .step {
      display: block;
      padding-block-end: 0;
      padding-inline-end: 18px;
    }
    .stepper:not(:has(> :nth-child(7))) .mark {
      margin-block-end: 12px;
    }
    .stepper:not(:has(> :nth-child(7))) .line {
      inset-block: 19px auto;
      inset-inline: 50px 10px;
      border-inline-start: 0;
      border-block-start: 2px solid var(--pl-line);
    }
    .stepper:not(:has(> :nth-child(7))) .step:is([data-state="PASSED"], [data-state="NOT_REPORTED"]) .line {
      border-color: var(--tone);
    }
    .stepper:not(:has(> :nth-child(7))) .step[data-state="NOT_REPORTED"] .line {
      border-block-start-style: dashed;
    }
  }
`;
