// Version 4 draws with CodeMirror, which needs neither inline styles nor workers. From 5 on it is Monaco, which needs both.
export default {
  base: "/graphiql/",
  build: {
    modulePreload: { polyfill: false },
    license: { fileName: "graphiql.licenses.md" },
    chunkSizeWarningLimit: 1_500,
    rolldownOptions: {
      // "use client" means something to React's servers, and there is none here.
      onLog: (level, log, handle) => log.code !== "MODULE_LEVEL_DIRECTIVE" && handle(level, log),
    },
  },
};
