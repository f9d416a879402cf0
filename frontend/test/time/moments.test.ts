import { expect, test } from "vitest";
import { shortTime } from "../../src/time/moments.ts";

const noon = new Date(2026, 10, 23, 12, 0, 0);

test("a moment of today is its time, of this year has its day, of another year has its year", () => {
  expect(shortTime(new Date(2026, 10, 23, 9, 5, 7).getTime(), noon)).toBe("09:05:07");
  expect(shortTime(new Date(2026, 4, 16, 9, 5, 7).getTime(), noon)).toBe("16 May, 09:05:07");
  expect(shortTime(new Date(2025, 4, 16, 9, 5, 7).getTime(), noon)).toBe("16 May 2025, 09:05:07");
});
