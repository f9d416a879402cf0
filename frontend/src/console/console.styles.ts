import { css } from "lit";

export const consoleStyles = css`
  :host {
    display: block;
    min-block-size: 100dvh;
    background: var(--pl-page);
    color: var(--pl-text);
    font-family: var(--pl-sans);
    font-size: 15px;
    line-height: 1.45;
  }
  .frame {
    display: grid;
    gap: 20px;
    max-inline-size: 1120px;
    margin-inline: auto;
    padding: 22px 24px 48px;
  }
  main {
    display: grid;
    gap: 16px;
    min-inline-size: 0;
  }
  .top {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: 12px 24px;
  }
  .brand {
    display: flex;
    align-items: center;
    gap: 12px;
  }
  .brand img {
    inline-size: 36px;
    block-size: 36px;
  }
  h1 {
    font-size: 24px;
    font-weight: 680;
    line-height: 1.15;
    letter-spacing: -0.012em;
  }
  .brand p {
    color: var(--pl-muted);
    font-size: 13px;
  }
  .start {
    margin-inline-start: auto;
  }
  h1:focus {
    outline: none;
  }
  .account {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px 14px;
    min-inline-size: 0;
  }
  .caller {
    display: grid;
    line-height: 1.3;
    text-align: end;
    overflow-wrap: anywhere;
  }
  .caller .name {
    font-weight: 580;
  }
  .caller .role {
    color: var(--pl-muted);
    font-size: 13px;
  }
  .sign-in {
    inline-size: min(440px, 100%);
    margin: 7vh auto 0;
    padding: 24px 28px 28px;
  }
  dialog.again {
    inline-size: min(440px, 100vw - 24px);
    padding: 24px 28px 28px;
    border: 1px solid var(--pl-line);
    border-radius: 16px;
    background: var(--pl-surface);
    box-shadow: 0 24px 70px -12px var(--pl-shadow);
  }
  dialog.again > .bare {
    position: absolute;
    inset: 16px 16px auto auto;
  }
  dialog.again::backdrop {
    background: rgb(8 13 24 / 55%);
  }
  .bar {
    display: flex;
    flex-wrap: wrap;
    align-items: end;
    gap: 12px 16px;
  }
  .bar label {
    display: grid;
    gap: 3px;
    flex: 0 1 210px;
    color: var(--pl-muted);
    font-size: 13px;
  }
  .bar input,
  .bar select {
    font-size: 15px;
  }
  .bar .fresh {
    display: flex;
    align-items: center;
    gap: 12px;
    margin-inline-start: auto;
    color: var(--pl-muted);
    font-variant-numeric: tabular-nums;
  }
  .list {
    border: 1px solid var(--pl-line);
    border-radius: 14px;
    background: var(--pl-surface);
    overflow: hidden;
  }
  .columns,
  .row {
    display: grid;
    grid-template-columns: minmax(0, 2.2fr) minmax(0, 1.7fr) minmax(0, 1.2fr) minmax(0, 1.4fr);
    gap: 4px 20px;
    align-items: center;
    padding: 12px 20px;
  }
  .columns {
    padding-block: 9px;
    border-block-end: 1px solid var(--pl-line);
    background: var(--pl-sunken);
    color: var(--pl-muted);
    font-size: 13px;
  }
  .row {
    position: relative;
  }
  .row + .row {
    border-block-start: 1px solid var(--pl-line);
  }
  .row:hover {
    background: color-mix(in srgb, var(--pl-active) 5%, var(--pl-surface));
  }
  .row .what {
    display: flex;
    flex-wrap: wrap;
    align-items: baseline;
    gap: 0 10px;
    min-inline-size: 0;
  }
  .row a {
    color: inherit;
    font-weight: 620;
    text-decoration: none;
    overflow-wrap: anywhere;
  }
  .row a::after {
    content: "";
    position: absolute;
    inset: 0;
  }
  .row a:hover {
    text-decoration: underline;
  }
  .row a:focus-visible {
    outline: none;
  }
  .row a:focus-visible::after {
    outline: 2px solid var(--pl-active);
    outline-offset: -3px;
    border-radius: 12px;
  }
  .row code {
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
    overflow: hidden;
    color: var(--pl-muted);
  }
  .row .status {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 2px 10px;
  }
  .row .pill {
    font-size: 14px;
  }
  /* The list is as old as its "as of": nothing in it may seem to run. */
  .row .icon .arc {
    animation: none;
  }
  .row .who {
    overflow-wrap: anywhere;
  }
  .row .when {
    display: grid;
    font-variant-numeric: tabular-nums;
  }
  .aside {
    color: var(--pl-muted);
    font-size: 13px;
    font-variant-numeric: tabular-nums;
  }
  .blank {
    display: grid;
    justify-items: center;
    gap: 8px;
    padding: 64px 20px;
    color: var(--pl-muted);
    text-align: center;
  }
  .blank > .icon {
    inline-size: 36px;
    block-size: 36px;
    stroke-width: 1.6;
  }
  .blank strong {
    color: var(--pl-text);
    font-size: 17px;
  }
  .blank button {
    margin-block-start: 8px;
  }
  .more {
    justify-self: center;
  }
  @media (max-width: 720px) {
    .frame {
      gap: 16px;
      padding: 16px 12px 40px;
    }
    .start,
    .account {
      flex: 1 1 100%;
      justify-content: space-between;
    }
    .start {
      justify-content: center;
    }
    .caller {
      text-align: start;
    }
    .columns {
      display: none;
    }
    .row {
      grid-template-columns: minmax(0, 1fr) fit-content(60%);
      padding: 12px 14px;
    }
    .row .status {
      grid-column: 1 / -1;
    }
    .row .what {
      grid-column: 1 / -1;
    }
    .row .who,
    .row .when {
      color: var(--pl-muted);
      font-size: 13.5px;
    }
    .row .when {
      justify-items: end;
      text-align: end;
    }
    .bar label {
      flex: 1 1 130px;
    }
    .bar .fresh {
      flex-basis: 100%;
      justify-content: space-between;
    }
  }
`;
