import axe from "axe-core";
import { expect } from "vitest";

/** Fails where axe finds anything in what the element shows. Colours it can judge only in a real browser. */
export async function expectAccessible(element: HTMLElement): Promise<void> {
  const { violations } = await axe.run(element, { rules: { "color-contrast": { enabled: false } } });
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)).toEqual([]);
}
