import { css } from "lit";

/**
 * Colours and measures, light and dark. A page may set `color-scheme` on our elements to choose one of the two, or any of these
 * properties. Every text colour stands at 4.5:1 or more on every surface of its scheme.
 */
export const tokens = css`
  :host {
    color-scheme: light dark;
    --pl-page: light-dark(#f3f5f9, #0b1018);
    --pl-surface: light-dark(#ffffff, #131a25);
    --pl-sunken: light-dark(#f6f8fb, #0f151f);
    --pl-line: light-dark(#dbe1ea, #263141);
    --pl-strong-line: light-dark(#7c889c, #6b7a91);
    --pl-text: light-dark(#121a29, #e8edf6);
    --pl-muted: light-dark(#526075, #9fadc3);
    --pl-active: light-dark(#1857c9, #85b5ff);
    --pl-passed: light-dark(#0b6e41, #56d394);
    --pl-failed: light-dark(#b3241c, #ff938a);
    --pl-cancelled: light-dark(#5f4b86, #c5b3ec);
    --pl-gap: light-dark(#865300, #f3bd5a);
    --pl-shadow: light-dark(rgb(23 35 60 / 22%), rgb(0 0 0 / 65%));
    --pl-sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
    --pl-mono: ui-monospace, "SF Mono", SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  }
`;

/** What the modal and the console page have in common. */
export const common = css`
  *,
  ::before,
  ::after {
    box-sizing: border-box;
  }
  h1,
  h2,
  h3,
  p,
  dl,
  dd,
  ol,
  ul {
    margin: 0;
    padding: 0;
  }
  ol,
  ul {
    list-style: none;
  }
  code {
    font-family: var(--pl-mono);
    font-size: 0.92em;
    overflow-wrap: anywhere;
  }
  time {
    font-variant-numeric: tabular-nums;
  }
  a {
    color: var(--pl-active);
    text-underline-offset: 0.2em;
  }
  :focus-visible {
    outline: 2px solid var(--pl-active);
    outline-offset: 2px;
  }
  .unseen {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .icon {
    inline-size: 1.25em;
    block-size: 1.25em;
    flex: none;
    fill: none;
    stroke: currentcolor;
    stroke-width: 2.2;
    stroke-linecap: round;
    stroke-linejoin: round;
  }
  a > .icon.external {
    margin-inline-start: 0.2em;
    vertical-align: -0.22em;
  }
  .icon .solid {
    fill: currentcolor;
    stroke: none;
  }
  .icon .track {
    opacity: 0.28;
  }
  .icon .arc {
    transform-origin: 12px 12px;
    animation: turn 1.6s linear infinite;
  }
  @keyframes turn {
    to {
      transform: rotate(1turn);
    }
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    ::before,
    ::after {
      animation: none !important;
      transition: none !important;
    }
  }
  button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 0.4em;
    min-block-size: 36px;
    padding: 0.35em 0.9em;
    border: 1px solid var(--pl-strong-line);
    border-radius: 8px;
    background: var(--pl-surface);
    color: var(--pl-text);
    font: inherit;
    font-weight: 550;
    cursor: pointer;
    transition: background-color 120ms;
  }
  button:hover {
    background: color-mix(in srgb, var(--pl-active) 9%, var(--pl-surface));
  }
  button.bare {
    inline-size: 36px;
    padding: 0;
    border-color: transparent;
    background: none;
    color: var(--pl-muted);
  }
  button.bare:hover {
    background: color-mix(in srgb, var(--pl-muted) 16%, transparent);
    color: var(--pl-text);
  }
  button[disabled] {
    opacity: 0.6;
    cursor: default;
  }
  .pill {
    display: inline-flex;
    align-items: center;
    gap: 0.4em;
    padding: 0.2em 0.75em 0.2em 0.5em;
    border-radius: 99px;
    background: color-mix(in srgb, var(--tone) 12%, var(--pl-surface));
    color: var(--tone);
    font-weight: 600;
  }
  [data-outcome="IN_PROGRESS"] {
    --tone: var(--pl-active);
  }
  [data-outcome="SUCCEEDED"] {
    --tone: var(--pl-passed);
  }
  [data-outcome="FAILED"] {
    --tone: var(--pl-failed);
  }
  [data-outcome="CANCELLED"],
  [data-outcome="ABANDONED"] {
    --tone: var(--pl-cancelled);
  }
  .notice {
    --tone: var(--pl-gap);
    display: grid;
    grid-template-columns: auto minmax(0, 1fr) auto;
    align-items: center;
    gap: 4px 12px;
    padding: 12px 16px;
    border: 1px solid color-mix(in srgb, var(--tone) 45%, transparent);
    border-inline-start: 4px solid var(--tone);
    border-radius: 10px;
    background: color-mix(in srgb, var(--tone) 9%, var(--pl-surface));
    text-align: start;
  }
  .notice > .icon {
    color: var(--tone);
    inline-size: 1.6em;
    block-size: 1.6em;
    align-self: start;
  }
  .notice strong {
    color: var(--tone);
  }
  .notice.bad {
    --tone: var(--pl-failed);
  }
  @media (max-width: 520px) {
    .notice button {
      grid-column: 2;
      justify-self: start;
      margin-block-start: 6px;
    }
  }
`;
