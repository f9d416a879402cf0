import { expect, test } from "vitest";
import { graphqlEndpoint, socketEndpoint } from "../../src/graphql/endpoint.ts";

test("an endpoint that the page gives is taken as the page means it", () => {
  expect(graphqlEndpoint("https://phaseline.example/graphql")).toBe("https://phaseline.example/graphql");
});

test("without one it is /graphql where the script came from", () => {
  expect(new URL(graphqlEndpoint(null)).pathname).toBe("/graphql");
});

test("a WebSocket is as safe as the page's requests", () => {
  expect(socketEndpoint("https://phaseline.example/graphql")).toBe("wss://phaseline.example/graphql");
  expect(socketEndpoint("http://127.0.0.1:8000/graphql")).toBe("ws://127.0.0.1:8000/graphql");
});
