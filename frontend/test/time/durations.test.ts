import { describe, expect, test } from "vitest";
import { agoInWords, inWords, secondsBetween } from "../../src/time/durations.ts";
import { at } from "../make.ts";

test("a duration is the server's two times, in whole seconds", () => {
  expect(secondsBetween(at(3), at(65))).toBe(62);
});

test("a duration is never negative, however far apart two clocks are", () => {
  expect(secondsBetween(at(65), at(3))).toBe(0);
});

test.each([
  [0, "0 s"],
  [59, "59 s"],
  [60, "1 min 0 s"],
  [3_599, "59 min 59 s"],
  [3_600, "1 h 0 min"],
  [86_399, "23 h 59 min"],
  [90_000, "1 d 1 h"],
])("%i seconds read as %s", (seconds, words) => {
  expect(inWords(seconds)).toBe(words);
});

describe("a silence", () => {
  test.each([
    [2, "just now"],
    [42, "42 s ago"],
    [725, "12 min ago"],
    [7_260, "2 h 1 min ago"],
  ])("of %i seconds reads as %s", (seconds, words) => {
    expect(agoInWords(seconds)).toBe(words);
  });
});
