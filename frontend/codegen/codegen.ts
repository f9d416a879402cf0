// Writes the types of our own documents (src/graphql/*.graphql) against the server's SDL. `npm run generate -- --check` writes
// nothing, and fails where the types on disk are stale.
import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../schema/schema.graphql",
  documents: "../src/graphql/*.graphql",
  generates: {
    "../src/graphql/types.ts": {
      plugins: ["typescript-operations"],
      config: {
        immutableTypes: true,
        skipTypename: true,
        useTypeImports: true,
        enumType: "string-literal",
        scalars: { DateTime: "string", ID: "string" },
        strictScalars: true,
      },
    },
  },
};

export default config;
