import { html, type TemplateResult } from "lit";

// The page is in English, whatever the browser's language: one page, one language. The zone is the viewer's own.
const LOCALE = "en-GB";
const clockTime = new Intl.DateTimeFormat(LOCALE, { timeStyle: "medium" });
const dayAndTime = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const withYear = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "medium" });
const inFull = new Intl.DateTimeFormat(LOCALE, { dateStyle: "full", timeStyle: "long" });

/** "12:03:11" today, "16 May, 12:03:11" this year, and with its year before that. */
export function shortTime(at: string | number, today: Date = new Date()): string {
  const date = new Date(at);
  if (date.toDateString() === today.toDateString()) return clockTime.format(date);
  return (date.getFullYear() === today.getFullYear() ? dayAndTime : withYear).format(date);
}

/** A moment in the viewer's zone, which its title names; the machine-readable time is the server's. */
export function moment(at: string | number): TemplateResult {
  const date = new Date(at);
  return html`<time datetime=${date.toISOString()} title=${inFull.format(date)}>${shortTime(at)}</time>`;
}
