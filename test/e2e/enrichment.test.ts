import { createServer, type ServerResponse } from "node:http";

import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";

import { startStory, type Story } from "./story.ts";

/** Stands in for Mollie's API: answers as the test says, and knows how often it was asked about a payment. */
const api = {
  url: "",
  answer: (_payment: string, _response: ServerResponse): void => undefined,
  asked: new Map<string, number>(),
};
const server = createServer((request, response) => {
  const payment = /^\/v2\/payments\/(\w+)/.exec(request.url ?? "")?.[1] ?? "";
  api.asked.set(payment, (api.asked.get(payment) ?? 0) + 1);
  api.answer(payment, response);
});

let story: Story;
let source: { id: string; ingestUrl: string };

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  api.url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  story = await startStory();
});

beforeEach(async () => {
  const { json } = await story.merchant.call<typeof source>("POST", "/v1/sources", {
    provider: "mollie",
    secrets: ["token_of_the_tests_1"],
    config: { webhooks: "legacy" },
    credential: { apiKey: "test_1", baseUrl: api.url },
  });
  source = json;
});

afterAll(async () => {
  await story.end();
  server.closeAllConnections();
  server.close();
});

const post = async (payment: string) =>
  (await fetch(`${source.ingestUrl}?token=token_of_the_tests_1`, { method: "POST", body: `id=${payment}` })).status;

const tell = (response: ServerResponse, payment: string, status: string) =>
  response.writeHead(200).end(
    JSON.stringify({
      id: payment,
      mode: "live",
      status,
      amount: { value: "35.50", currency: "EUR" },
      customerId: "cst_1",
    }),
  );

/** What the receiver was told of a payment, once it was told so much. */
async function told(payment: string, count: number) {
  const ofPayment = () =>
    story.receiver.received.filter(({ body }) => (body.data["payment"] as { id: string }).id === payment);
  await story.receiver.until(() => ofPayment().length >= count, `${count} webhooks of ${payment}`);
  return ofPayment().map(({ body }) => [body.type, (body.data["provider"] as { authenticity: string }).authenticity]);
}

it("an API that hangs holds up no acknowledgement; what it tells goes out in order, each change once", async () => {
  const hanging: ServerResponse[] = [];
  api.answer = (_, response) => void hanging.push(response);
  const before = Date.now();
  expect(await post("tr_hangs")).toBe(200);
  expect(Date.now() - before).toBeLessThan(5_000);
  expect(story.receiver.received).toEqual([]);
  api.answer = (payment, response) => void tell(response, payment, "authorized");
  for (const response of hanging) tell(response, "tr_hangs", "authorized");
  expect(await told("tr_hangs", 1)).toEqual([["payment.authorized", "fetched"]]);

  expect(await post("tr_hangs")).toBe(200);
  api.answer = (payment, response) => void tell(response, payment, "paid");
  expect(await post("tr_hangs")).toBe(200);
  expect(await told("tr_hangs", 2)).toEqual([
    ["payment.authorized", "fetched"],
    ["payment.succeeded", "fetched"],
  ]);
});

it("an API that is down is asked again when it is up", async () => {
  api.answer = (payment, response) =>
    api.asked.get(payment)! < 2 ? response.writeHead(503).end() : tell(response, payment, "paid");
  expect(await post("tr_down")).toBe(200);
  expect(await told("tr_down", 1)).toEqual([["payment.succeeded", "fetched"]]);
  expect(api.asked.get("tr_down")).toBe(2);
});

it("a source whose credential was removed: its events go out as they are posted", async () => {
  await story.merchant.call("PATCH", `/v1/sources/${source.id}`, { credential: null });
  expect(await post("tr_removed")).toBe(200);
  expect(await told("tr_removed", 1)).toEqual([["unknown", "token"]]);
  expect(api.asked.get("tr_removed")).toBeUndefined();
});
