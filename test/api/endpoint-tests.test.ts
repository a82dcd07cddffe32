import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { call, newEndpoint, newMerchant, receive, untilStatus } from "../support/merchant.ts";
import { expectRefused, sendJson } from "./refusal.ts";

let key: string;

beforeEach(async () => {
  ({ key } = await newMerchant());
});

afterEach(() => vi.restoreAllMocks());

describe("POST /v1/endpoints/{id}/test", () => {
  it("sends a made-up event to this endpoint alone, though it wants no such events", async () => {
    await newEndpoint(key, { url: "https://shop.example/other" });
    await call("PUT", "/v1/channels/email", { key, body: { provider: "cloudflare", from: "Shop" } });
    const picky = { eventTypes: ["payout.paid"], livemode: true, filter: { user: "nobody" } };
    const { id } = await newEndpoint(key, { url: "https://shop.example/picky", ...picky });
    const bodies: string[] = [];
    const sent = receive(async (request) => {
      bodies.push(await request.text());
      return new Response(null, { status: 204 });
    });
    const { status, json } = await call("POST", `/v1/endpoints/${id}/test`, { key });
    expect({ status, json }).toEqual({
      status: 202,
      json: { event: expect.stringMatching(/^evt_/), delivery: expect.stringMatching(/^dlv_/) },
    });
    const event = await untilStatus(key, String(json["event"]), "delivered");
    expect(event).toMatchObject({ type: "payment.succeeded", livemode: false, source: "test", provider: "paybell" });
    expect(event["deliveries"]).toMatchObject([{ id: json["delivery"], endpoint: id, attempts: [{ status: 204 }] }]);
    expect(sent.map(({ url }) => url)).toEqual(["https://shop.example/picky"]);
    expect(sent[0]!.headers.get("webhook-signature")).toMatch(/^v1,/);
    expect(JSON.parse(bodies[0]!)).toMatchObject({
      livemode: false,
      data: { payment: { status: "succeeded" }, provider: { name: "paybell" } },
    });
  });

  it("sends any type", async () => {
    const { id } = await newEndpoint(key);
    const sent = receive(() => new Response(null, { status: 204 }));
    for (const type of ["refund.succeeded", "custom.order.shipped"]) {
      const { json } = await call("POST", `/v1/endpoints/${id}/test`, { key, body: { type } });
      expect(await untilStatus(key, String(json["event"]), "delivered")).toMatchObject({ type });
    }
    expect(sent).toHaveLength(2);
  });

  it("waits for nothing: a test that fails holds up no other", async () => {
    const { id } = await newEndpoint(key);
    let answers = 0;
    receive(() => new Response(null, { status: (answers += 1) === 1 ? 500 : 204 }));
    const failing = await call("POST", `/v1/endpoints/${id}/test`, { key });
    await untilStatus(key, String(failing.json["event"]), "retrying");
    const { json } = await call("POST", `/v1/endpoints/${id}/test`, { key });
    await untilStatus(key, String(json["event"]), "delivered");
  });

  it("counts in no metrics", async () => {
    const { id } = await newEndpoint(key);
    receive(() => new Response(null, { status: 204 }));
    const { json } = await call("POST", `/v1/endpoints/${id}/test`, { key });
    await untilStatus(key, String(json["event"]), "delivered");
    const metrics = await call("GET", "/v1/metrics?by=endpoint", { key });
    expect(metrics.json).toMatchObject({ finished: 0, groups: [] });
  });

  it("refuses an unknown type and an unknown endpoint", async () => {
    const { id } = await newEndpoint(key);
    const bad = { name: "", status: 422, code: "invalid", path: "/type" };
    await expectRefused(bad, () => sendJson(key, "POST", `/v1/endpoints/${id}/test`, { type: "payment.paid" }));
    await expectRefused({ name: "", status: 404, code: "not_found" }, () =>
      sendJson(key, "POST", "/v1/endpoints/ep_0/test", {}),
    );
  });
});

describe("POST /v1/endpoints/{id}/filter/test", () => {
  const event = {
    type: "payment.succeeded",
    data: { payment: { id: "p_1", amount: { value: "1999", currency: "EUR" } } },
  };

  it("says whether an event passes the endpoint's filter, or another", async () => {
    const { id } = await newEndpoint(key, { filter: { "data.payment.amount.value": { $gte: 1000 } } });
    const matches = async (body: unknown) =>
      (await call("POST", `/v1/endpoints/${id}/filter/test`, { key, body })).json["matches"];
    expect(await matches({ event })).toBe(true);
    expect(await matches({ event, filter: { "data.payment.amount.value": { $gte: 2000 } } })).toBe(false);
  });

  it("lets everything through where there is none", async () => {
    const { id } = await newEndpoint(key);
    const { json } = await call("POST", `/v1/endpoints/${id}/filter/test`, { key, body: { event } });
    expect(json).toEqual({ matches: true });
  });

  it("refuses what is no event and what is no filter", async () => {
    const { id } = await newEndpoint(key);
    const path = `/v1/endpoints/${id}/filter/test`;
    await expectRefused({ name: "", status: 422, code: "invalid", path: "/event/data/payment" }, () =>
      sendJson(key, "POST", path, { event: { ...event, data: {} } }),
    );
    await expectRefused({ name: "", status: 422, code: "invalid", path: "/filter/user/$is" }, () =>
      sendJson(key, "POST", path, { event, filter: { user: { $is: 1 } } }),
    );
  });
});
