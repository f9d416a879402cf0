import { expect, test, vi } from "vitest";
import { identityDocument, startDeployDocument } from "../../src/graphql/console-documents.ts";
import { request } from "../../src/graphql/request.ts";

const start = () => request("http://server.example/graphql", startDeployDocument, { input: { environment: "staging", ref: "main" } });
const answers = (response: Response | Promise<never>) => vi.stubGlobal("fetch", vi.fn(async () => response));

test("gives the data", async () => {
  answers(Response.json({ data: { startDeploy: { id: "d9" } } }));
  expect(await start()).toEqual({ startDeploy: { id: "d9" } });
});

test("throws the server's refusal with its code and its field", async () => {
  answers(Response.json({ errors: [{ message: "ref is empty", extensions: { code: "BAD_USER_INPUT", field: "ref" } }] }, { status: 400 }));
  await expect(start()).rejects.toMatchObject({ message: "ref is empty", code: "BAD_USER_INPUT", field: "ref" });
});

test("reads errors also where the answer is HTTP 200 and holds data", async () => {
  answers(Response.json({ data: {}, errors: [{ message: "no", extensions: { code: "FORBIDDEN" } }] }));
  await expect(start()).rejects.toMatchObject({ code: "FORBIDDEN" });
});

test("names a proxy's answer by its HTTP status", async () => {
  answers(new Response("<h1>Bad gateway</h1>", { status: 502 }));
  await expect(start()).rejects.toMatchObject({ code: "HTTP_502" });
});

test("waits longer for what is to be done than for what is to be read: the server may have to ask GitHub several times", async () => {
  const patience = vi.spyOn(AbortSignal, "timeout");
  vi.stubGlobal("fetch", async () => Response.json({ data: {} }));
  await start();
  await request("http://server.example/graphql", identityDocument, {});
  expect(patience.mock.calls).toEqual([[60_000], [15_000]]);
});

test("says that a server is away", async () => {
  answers(Promise.reject(new TypeError("fetch failed")));
  await expect(start()).rejects.toMatchObject({ code: "UNREACHABLE" });
});
