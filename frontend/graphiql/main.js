import "graphiql/style.css";
import "./page.css";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createElement } from "react";
import { createRoot } from "react-dom/client";

// The browser's own cookie says who asks. Somebody else's token can be given under "Headers", and is not kept.
const url = new URL("/graphql", location.origin).href;
const fetcher = createGraphiQLFetcher({ url, subscriptionUrl: url.replace(/^http/, "ws") });

createRoot(document.getElementById("graphiql")).render(createElement(GraphiQL, { fetcher, shouldPersistHeaders: false }));
