import type { ReactiveController, ReactiveControllerHost } from "lit";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NewDay } from "../../src/time/new-day.ts";

beforeEach(() => void vi.useFakeTimers({ now: new Date(2026, 10, 23, 23, 59, 58) }));
afterEach(() => void vi.useRealTimers());

test("the host is redrawn when the viewer's day changes, each day, and no more once it is gone", () => {
  const redraw = vi.fn();
  const host = { requestUpdate: redraw, addController: (controller: ReactiveController) => controller.hostConnected?.() };
  const newDay = new NewDay(host as unknown as ReactiveControllerHost);
  vi.advanceTimersByTime(1_999);
  expect(redraw).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(redraw).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(86_400_000);
  expect(redraw).toHaveBeenCalledTimes(2);
  newDay.hostDisconnected();
  vi.advanceTimersByTime(2 * 86_400_000);
  expect(redraw).toHaveBeenCalledTimes(2);
});
