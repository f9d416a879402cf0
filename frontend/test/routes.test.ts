import { expect, test } from "vitest";
import { deployIdIn, pathOf } from "../src/routes.ts";

test.each([
  ["/deploys/d1", "d1"],
  ["/deploys/d1/", "d1"],
  ["/deploys/a%2Fb", "a/b"],
  ["/deploys/%E0%A4%A", "%E0%A4%A"],
  ["/", null],
  ["/deploys/", null],
  ["/deploys/d1/more", null],
])("%s names %s", (path, id) => {
  expect(deployIdIn(path)).toBe(id);
});

test("a deploy's path names it again, whatever is in its id", () => {
  expect(deployIdIn(pathOf("a/b ?#ü"))).toBe("a/b ?#ü");
});
