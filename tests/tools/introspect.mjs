// Asks for the whole schema as graphql-js, GraphiQL and GraphQL Inspector do, and builds it: node introspect.mjs URL
import { buildClientSchema, getIntrospectionQuery } from "graphql";

const everything = {
  descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true, inputValueDeprecation: true,
  oneOf: true,
};
for (const options of [{}, everything, { descriptions: false, oneOf: false }]) {
  const answer = await fetch(process.argv[2], {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: getIntrospectionQuery(options), operationName: "IntrospectionQuery" }),
  });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(JSON.stringify(errors));
  console.log(Object.keys(buildClientSchema(data).getTypeMap()).length);
}
