// The peer of the feed on Node: graphql-yoga over HTTP, graphql-ws over ws beside it, as Yoga's documentation joins them.
// It answers the documents of phaseline's own SDL from memory. It keeps no log and asks nobody who they are.
//
//   node server.js PORT
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import { useServer } from "graphql-ws/use/ws";
import { createPubSub, createSchema, createYoga } from "graphql-yoga";
import { WebSocketServer } from "ws";

import { event } from "./event.js";

const TYPES = new URL("../../../schema/schema.graphql", import.meta.url);

const pubSub = createPubSub();

const resolvers = {
  Mutation: {
    applyCallback(_, { input }) {
      const told = event(input.deployId, input.status, input.attempt);
      pubSub.publish("phaseChanged", input.deployId, told);
      return { ...told, duplicate: false };
    },
  },
  Subscription: {
    phaseChanged: {
      // Something at once, so that the viewer knows it is heard; then every event.
      async *subscribe(_, { deployId }) {
        const events = pubSub.subscribe("phaseChanged", deployId);
        yield event(deployId, "queued", 1);
        yield* events;
      },
      resolve: (told) => told,
    },
  },
};

const schema = createSchema({ typeDefs: readFileSync(TYPES, "utf8"), resolvers });
const yoga = createYoga({ schema, graphqlEndpoint: "/graphql", logging: "warn" });
const server = createServer(yoga);
const sockets = new WebSocketServer({ server, path: yoga.graphqlEndpoint });

useServer(
  {
    execute: (args) => args.rootValue.execute(args),
    subscribe: (args) => args.rootValue.subscribe(args),
    async onSubscribe(context, _id, params) {
      const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
        ...context,
        req: context.extra.request,
        socket: context.extra.socket,
        params,
      });
      const document = parse(params.query);
      const errors = validate(schema, document);
      if (errors.length > 0) return errors;
      return {
        schema,
        document,
        operationName: params.operationName,
        variableValues: params.variables,
        contextValue: await contextFactory(),
        rootValue: { execute, subscribe },
      };
    },
  },
  sockets,
);

server.listen({ host: "127.0.0.1", port: Number(process.argv[2] ?? 0), backlog: 2048 }, () => {
  const address = `http://127.0.0.1:${server.address().port}`;
  console.error(JSON.stringify({ event: "serving", address }));
});
process.on("SIGTERM", () => process.exit(0));
