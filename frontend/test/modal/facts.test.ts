import { expect, test } from "vitest";
import { isWebAddress } from "../../src/modal/facts.ts";

test.each(["https://github.com/acme/shop/actions/runs/9988", "http://ci.internal/run/7"])("%s becomes a link", (address) => {
  expect(isWebAddress(address)).toBe(true);
});

test.each(["javascript:alert(1)", "JAVASCRIPT:alert(1)", " javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "run 7", "//x"])(
  "%s stays text",
  (address) => {
    expect(isWebAddress(address)).toBe(false);
  },
);
