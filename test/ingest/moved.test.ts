import { afterEach, expect, it, vi } from "vitest";

import { call, newEndpoint, newMerchant, receive, untilStatus } from "../support/merchant.ts";

afterEach(() => vi.restoreAllMocks());

it("orders an event that names another user under the one whom its payment is bound to", async () => {
  const { key } = await newMerchant();
  await newEndpoint(key);
  receive(() => new Response(null, { status: 204 }));
  const post = async (id: string, type: string, user: string) => {
    const body = { id, type, user, data: { payment: { id: "p_1", amount: { value: "100", currency: "EUR" } } } };
    const { json } = await call("POST", "/v1/events", { key, body });
    return untilStatus(key, String(json["id"]), "delivered");
  };
  await post("first", "payment.pending", "u_1");
  const second = await post("second", "payment.succeeded", "u_2");
  expect(second).toMatchObject({ user: "u_1", sequence: 2, body: { data: { payment: { version: 2 } } } });
});
