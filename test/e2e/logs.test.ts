import { afterAll, beforeAll, expect, it } from "vitest";

import { newMerchant, type Merchant } from "./client.ts";
import { newState, startWorker, type WorkerProcess } from "./process.ts";

const PEOPLE = { email: "ada.marker@customers.example", phone: "+12025550143" };
const TOKEN = "token-marker-of-the-tests";

let worker: WorkerProcess;
let merchant: Merchant;

beforeAll(async () => {
  worker = await startWorker(await newState());
  merchant = await newMerchant(worker.url);
});
afterAll(async () => worker.kill());

it("what runs prints no address, no token and no key, though they come in URLs and headers", async () => {
  const call: Merchant["call"] = (...how) => merchant.call(...how);
  await call("PUT", "/v1/users/u_1", PEOPLE);
  const source = await call<{ ingestUrl: string }>("POST", "/v1/sources", {
    provider: "mollie",
    config: { webhooks: "legacy" },
    secrets: [TOKEN],
  });
  const query = new URLSearchParams(PEOPLE).toString();
  expect((await call("GET", `/v1/users?${query}`)).status).toBe(200);
  expect(
    (await call("GET", `/v1/users?email=${PEOPLE.email}&phone=${encodeURIComponent(PEOPLE.phone)}&x=1`)).status,
  ).toBe(422);
  expect((await fetch(`${worker.url}/v1/users?${query}`)).status).toBe(401);
  expect((await fetch(`${worker.url}/nowhere?${query}&token=${TOKEN}`)).status).toBe(404);
  const url = `${source.json.ingestUrl}?token=`;
  expect((await fetch(url + TOKEN, { method: "POST", body: "id=tr_1" })).status).toBe(200);
  expect((await fetch(`${url}${TOKEN}x`, { method: "POST", body: "id=tr_1" })).status).toBe(401);
  // What is printed of a request comes behind its answer: that of the last one has all of them before it.
  await fetch(`${worker.url}/the-last-one`);
  await expect.poll(() => worker.output(), { timeout: 10_000 }).toContain("/the-last-one");
  const printed = worker.output();
  expect(printed).toContain("ingest.refused");
  expect(printed).toContain("/v1/users");
  for (const secret of [...Object.values(PEOPLE), "12025550143", "ada.marker", "email=", TOKEN, merchant.apiKey]) {
    expect(printed).not.toContain(secret);
  }
});
