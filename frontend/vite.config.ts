import { defineConfig } from "vitest/config";

// Two builds into one dist/. The console page's files are named by their hash; the modal is one file at a stable name, because
// strangers' pages write that name down.
const consolePage = {
  license: { fileName: "console.licenses.md" },
};

// The file travels alone, so it says itself whose work it holds.
const notice = `/*! phaseline-modal, Apache-2.0. With Lit (BSD-3-Clause, Google LLC) and graphql-ws (MIT, Denis Badurina). */`;

const modalScript = {
  emptyOutDir: false,
  copyPublicDir: false,
  license: { fileName: "phaseline-modal.licenses.md" },
  rolldownOptions: {
    input: "src/modal/phaseline-deploy-modal.ts",
    output: { entryFileNames: "phaseline-modal.js", codeSplitting: false, postBanner: notice },
  },
} as const;

export default defineConfig(({ mode }) => ({
  // Assets are named from the root: the server answers /deploys/<id> with the same page as /.
  base: "/",
  build: {
    // Every browser that knows what we use of CSS preloads modules by itself.
    modulePreload: { polyfill: false },
    ...(mode === "modal" ? modalScript : consolePage),
  },
  server: {
    proxy: { "/graphql": { target: "http://127.0.0.1:8000", ws: true } },
  },
  test: {
    include: ["test/**/*.test.ts"],
    environment: "happy-dom",
    restoreMocks: true,
    unstubGlobals: true,
  },
}));
