import { expect, test } from "vitest";
import { pauseBefore, pauseBeforeElsewhere } from "../../src/feed/pauses.ts";

const longest = () => 0.999_999;

test("pauses grow until half a minute, and no further, however long the server is away", () => {
  expect([1, 2, 3, 4, 5, 6, 7, 5_000].map((attempt) => pauseBefore(attempt, longest))).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
  ]);
});

test("a pause is anywhere below its ceiling, so that viewers do not return all at once", () => {
  expect(pauseBefore(5, () => 0.5)).toBe(8_000);
  expect(new Set(Array.from({ length: 50 }, () => pauseBefore(6))).size).toBeGreaterThan(40);
});

test("no pause is so short that a server is hammered", () => {
  expect(pauseBefore(9, () => 0)).toBe(250);
});

test("who is sent elsewhere goes at once, and yet not all go in the same moment", () => {
  expect([pauseBeforeElsewhere(longest), pauseBeforeElsewhere(() => 0)]).toEqual([500, 0]);
});
