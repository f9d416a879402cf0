// Asks for the whole schema as graphql-js, GraphiQL and GraphQL Inspector do, and builds it: node introspect.mjs URL TOKEN
import { buildClientSchema, getIntrospectionQuery } from "graphql";

const everything = {
  descriptions: true, specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true, inputValueDeprecation: true,
  oneOf: true,
};
const [url, token] = process.argv.slice(2);
for (const options of [{}, everything, { descriptions: false, oneOf: false }]) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: getIntrospectionQuery(options), operationName: "IntrospectionQuery" }),
  });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(JSON.stringify(errors));
  console.log(Object.keys(buildClientSchema(data).getTypeMap()).length);
}
