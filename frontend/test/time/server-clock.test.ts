import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ServerClock } from "../../src/time/server-clock.ts";
import { at } from "../make.ts";

beforeEach(() => void vi.useFakeTimers({ now: Date.parse(at(10)) }));
afterEach(() => void vi.useRealTimers());

test("is the local clock until something proves it wrong", () => {
  const clock = new ServerClock();
  clock.hear(at(4));
  expect(clock.now()).toBe(Date.parse(at(10)));
});

test("is moved ahead by an entry that arrives before the local clock says it was recorded", () => {
  const clock = new ServerClock();
  clock.hear(at(25));
  clock.hear(at(12));
  expect(clock.now()).toBe(Date.parse(at(25)));
});

test("is not moved by a time that is none", () => {
  const clock = new ServerClock();
  clock.hear("yesterday");
  expect(clock.now()).toBe(Date.parse(at(10)));
});
