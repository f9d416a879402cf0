import type { Plugin } from "vite";

/**
 * Takes out of styles, templates and documents the room that they have for people: the modal travels to strangers' pages. Nothing else of
 * a file changes, so no text may hang on how its lines are indented.
 */
export function squeezing(): Plugin {
  return {
    name: "squeezing",
    enforce: "pre",
    apply: "build",
    transform(code, id) {
      const [path, query] = id.split("?");
      if (!path?.includes("/src/")) return null;
      if (path.endsWith(".graphql") && query === "raw") return { code: code.replaceAll(/(\\n|\s)+/g, " "), map: null };
      if (!path.endsWith(".ts")) return null;
      const squeezed = path.endsWith(".styles.ts") ? code.replaceAll(/css`[^`]*`/g, withoutRoom) : code;
      return { code: squeezed.replaceAll(/\n\s+/g, "\n"), map: null };
    },
  };
}

// Spaces around a colon may tell selectors apart, and those around operators count: they stay.
function withoutRoom(styles: string): string {
  return styles
    .replaceAll(/\/\*.*?\*\//gs, "")
    .replaceAll(/\s+/g, " ")
    .replaceAll(/ ?([{};,]) ?/g, "$1")
    .replaceAll(/(?<=[{;][\w-]+): /g, ":")
    .replaceAll(";}", "}");
}
