import { expect, test } from "vitest";
import { announcement } from "../../src/modal/announcement.ts";
import { deploy, phase } from "../make.ts";

test("says the status when the deploy is first shown", () => {
  expect(announcement(null, deploy(2, "b"))).toBe("Status: Label of b.");
});

test("says only what changed", () => {
  const after = deploy(3, "c", { phases: [phase("gate", 1, "PASSED"), phase("rollout", 2, "FAILED")] });
  expect(announcement(deploy(2, "b"), after)).toBe("Label of rollout: Failed. Status: Label of c.");
});

test("calls a phase that never reported by its own word", () => {
  const after = deploy(3, "b", { phases: [phase("gate", 1, "NOT_REPORTED"), phase("rollout", 2, "ACTIVE")] });
  expect(announcement(deploy(2, "b"), after)).toBe("Label of gate: Not reported.");
});

test("says a new attempt", () => {
  expect(announcement(deploy(2, "b"), deploy(3, "b", { attempt: 2 }))).toBe("Attempt 2.");
});
