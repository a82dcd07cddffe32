import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { call, newMerchant } from "../support/merchant.ts";
import { newStripeSource, postBytes, sign, succeeded, type StripeSource } from "./stripe.ts";

let key: string;
let source: StripeSource;

beforeEach(async () => {
  ({ key } = await newMerchant());
  source = await newStripeSource(key);
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});

afterEach(() => vi.restoreAllMocks());

/** What a source answers to an event that is signed with these secrets, as Stripe signs with several. */
async function post(...secrets: string[]): Promise<number> {
  const body = JSON.stringify(succeeded("cus_1"));
  const headers = await Promise.all(secrets.map((secret) => sign(body, secret)));
  const [first, ...others] = headers.map((header) => header.split(","));
  const header = [...first!, ...others.flatMap((parts) => parts.filter((part) => part.startsWith("v1=")))].join(",");
  return (await postBytes(source.id, body, header)).status;
}

async function add(secret: string): Promise<void> {
  const path = `/v1/sources/${source.id}/secrets`;
  expect((await call("POST", path, { key, body: { secret } })).status).toBe(201);
}

/** Removes the secret that was added first. */
async function removeOldest(): Promise<void> {
  const { json } = await call("GET", `/v1/sources/${source.id}`, { key });
  const [oldest] = json["secrets"] as { id: string }[];
  const { status } = await call("DELETE", `/v1/sources/${source.id}/secrets/${oldest!.id}`, { key });
  expect(status).toBe(200);
}

describe("the secrets of a source, while its provider replaces them", () => {
  it("all verify, from the call that adds one to the call that removes it", async () => {
    expect(await post(source.secret)).toBe(200);
    expect(await post("whsec_of_the_next")).toBe(401);
    await add("whsec_of_the_next");
    expect(await post(source.secret)).toBe(200);
    expect(await post("whsec_of_the_next")).toBe(200);
    expect(await post(source.secret, "whsec_of_the_next")).toBe(200);
    await removeOldest();
    expect(await post(source.secret)).toBe(401);
    expect(await post("whsec_of_the_next")).toBe(200);
  });

  it("refuse everything once the last is removed", async () => {
    await removeOldest();
    expect(await post(source.secret)).toBe(401);
    await add(source.secret);
    expect(await post(source.secret)).toBe(200);
  });

  it("take a second only of those that are known: one signature that is not does no harm", async () => {
    expect(await post("whsec_unknown", source.secret)).toBe(200);
    expect(await post("whsec_unknown", "whsec_other")).toBe(401);
  });
});
