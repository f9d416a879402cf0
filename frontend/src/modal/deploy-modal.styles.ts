import { css } from "lit";

export const modalStyles = css`
  :host {
    font-family: var(--pl-sans);
    font-size: 15px;
    line-height: 1.45;
    color: var(--pl-text);
  }
  dialog {
    --tone: var(--pl-strong-line);
    inline-size: min(1020px, 100vw - 32px);
    max-inline-size: none;
    max-block-size: calc(100dvh - 48px);
    padding: 0;
    border: 1px solid var(--pl-line);
    border-block-start: 4px solid var(--tone);
    border-radius: 16px;
    background: var(--pl-surface);
    color: inherit;
    box-shadow: 0 24px 70px -12px var(--pl-shadow);
    overflow: auto;
    overscroll-behavior: contain;
    container-type: inline-size;
  }
  h2:focus {
    outline: none;
  }
  dialog::backdrop {
    background: rgb(8 13 24 / 55%);
  }
  .top-bar {
    display: grid;
    grid-template-columns: minmax(0, 1fr) auto auto;
    align-items: center;
    gap: 6px 16px;
    padding: 16px 16px 14px 28px;
    border-block-end: 1px solid var(--pl-line);
    background: var(--pl-surface);
  }
  /* On a low screen, or one enlarged to 400 %, a bar that stays would leave no room for anything else. */
  @media (min-height: 600px) {
    .top-bar {
      position: sticky;
      inset-block-start: 0;
      z-index: 1;
    }
  }
  h2 {
    display: flex;
    flex-wrap: wrap;
    align-items: baseline;
    gap: 0 12px;
    font-size: 24px;
    font-weight: 680;
    line-height: 1.25;
    letter-spacing: -0.012em;
    overflow-wrap: anywhere;
  }
  h2 small {
    flex-basis: 100%;
    color: var(--pl-muted);
    font-size: 13px;
    font-weight: 500;
    letter-spacing: 0;
  }
  /* Two lines at most: the whole of it stands among the facts. */
  h2 code {
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
    overflow: hidden;
    padding: 1px 8px;
    border-radius: 6px;
    background: color-mix(in srgb, var(--pl-muted) 13%, transparent);
    font-size: 15px;
    font-weight: 500;
    letter-spacing: 0;
  }
  .standing {
    display: flex;
    flex-wrap: wrap;
    justify-content: flex-end;
    align-items: center;
    gap: 6px 14px;
  }
  .standing .pill {
    padding: 0.3em 0.95em 0.3em 0.6em;
    font-size: 16px;
  }
  .outcome {
    color: var(--pl-muted);
  }
  .connection {
    display: inline-flex;
    align-items: center;
    gap: 7px;
    color: var(--pl-muted);
    font-size: 13px;
  }
  .connection::before {
    content: "";
    inline-size: 9px;
    block-size: 9px;
    border: 2px solid var(--pl-muted);
    border-radius: 50%;
  }
  .connection.live::before {
    border-color: var(--pl-passed);
    background: var(--pl-passed);
  }
  @media (forced-colors: active) {
    .connection.live::before {
      forced-color-adjust: none;
      border-color: CanvasText;
      background: CanvasText;
    }
  }
  .connection:is(.lost, .refused) {
    color: var(--pl-failed);
    font-weight: 600;
  }
  .connection:is(.lost, .refused)::before {
    border-color: var(--pl-failed);
  }
  /* Motion says "running", and who is not heard cannot say that. Important, because whoever animates sets it running. */
  :host(:not([data-connection="live"])) dialog *,
  :host(:not([data-connection="live"])) dialog *::after {
    animation-play-state: paused !important;
  }
  .body {
    display: grid;
    gap: 24px;
    padding: 24px 28px 28px;
  }
  .empty {
    display: grid;
    justify-items: center;
    gap: 10px;
    padding: 56px 16px 64px;
    color: var(--pl-muted);
    text-align: center;
  }
  .empty > .icon {
    inline-size: 40px;
    block-size: 40px;
    stroke-width: 1.6;
  }
  .empty strong {
    color: var(--pl-text);
    font-size: 17px;
  }
  .facts {
    display: grid;
    grid-template-columns: repeat(5, minmax(0, 1fr));
    gap: 14px 24px;
    padding: 16px 20px;
    border: 1px solid var(--pl-line);
    border-radius: 12px;
    background: var(--pl-sunken);
  }
  .facts dt {
    color: var(--pl-muted);
    font-size: 12.5px;
  }
  .facts dd {
    font-weight: 550;
    overflow-wrap: anywhere;
  }
  .facts dd .aside {
    display: block;
    color: var(--pl-muted);
    font-size: 13px;
    font-weight: 400;
    font-variant-numeric: tabular-nums;
  }
  .facts .whole {
    grid-column: 1 / -1;
    display: flex;
    flex-wrap: wrap;
    align-items: baseline;
    gap: 0 10px;
    padding-block-start: 10px;
    border-block-start: 1px solid var(--pl-line);
  }
  .facts .whole + .whole {
    margin-block-start: -12px;
    padding-block-start: 0;
    border-block-start: 0;
  }
  .facts .whole dd {
    font-weight: 400;
  }
  .facts a {
    display: inline-flex;
    align-items: center;
    gap: 0.3em;
  }
  @container (max-width: 800px) {
    .top-bar {
      grid-template-columns: minmax(0, 1fr) auto;
    }
    .top-bar .bare {
      grid-row: 1;
      grid-column: 2;
      align-self: start;
    }
    .standing {
      grid-column: 1 / -1;
      justify-content: flex-start;
    }
    .facts {
      grid-template-columns: repeat(3, minmax(0, 1fr));
    }
    .facts > :nth-child(5) {
      grid-column: span 2;
    }
  }
  @container (max-width: 620px) {
    .top-bar {
      padding: 12px 8px 12px 16px;
    }
    h2 {
      font-size: 20px;
    }
    .body {
      gap: 20px;
      padding: 18px 16px 20px;
    }
    .facts {
      grid-template-columns: repeat(2, minmax(0, 1fr));
      gap: 12px 16px;
      padding: 14px;
    }
  }
  @media (max-width: 520px) {
    dialog {
      inline-size: 100vw;
      max-block-size: 100dvh;
      block-size: 100dvh;
      border-inline: 0;
      border-block-end: 0;
      border-radius: 0;
    }
  }
`;
