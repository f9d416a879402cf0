import { expect, test } from "vitest";
import { RequestIds } from "../../src/steering/request-ids.ts";

test("what is sent again as it was has the id that it had, whatever was sent in between", () => {
  const ids = new RequestIds();
  const first = ids.of({ ref: "main" });
  const other = ids.of({ ref: "v1" });
  expect(other).not.toBe(first);
  expect([ids.of({ ref: "main" }), ids.of({ ref: "v1" })]).toEqual([first, other]);
  expect(first).toMatch(/^[0-9a-f]{32}$/);
});

test("a form that is opened anew asks anew", () => {
  expect(new RequestIds().of("main")).not.toBe(new RequestIds().of("main"));
});
