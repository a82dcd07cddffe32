import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { call, newEndpoint, newMerchant, receive, untilStatus } from "../support/merchant.ts";

let key: string;
let endpoint: string;

beforeEach(async () => {
  ({ key } = await newMerchant());
  ({ id: endpoint } = await newEndpoint(key, { retrySchedule: [3600] }));
});

afterEach(() => {
  vi.restoreAllMocks();
});

const act = (delivery: string, action: string) => call("POST", `/v1/deliveries/${delivery}/${action}`, { key });
const show = async (delivery: string) => (await call("GET", `/v1/deliveries/${delivery}`, { key })).json;

/** Posts an event of one payment; returns its id and its delivery's. */
async function post(id: string): Promise<{ event: string; delivery: string }> {
  const body = { id, type: "payment.created", user: "u_1", data: { payment: { id: `p_${id}` } } };
  const { json } = await call("POST", "/v1/events", { key, body });
  const event = String(json["id"]);
  return { event, delivery: `dlv_${event.slice(4)}_${endpoint}` };
}

const untilShown = (delivery: string, status: string) =>
  vi.waitUntil(async () => (await show(delivery))["status"] === status, { timeout: 10_000, interval: 25 });

describe("deliveries", () => {
  it("says what each one waits for", async () => {
    receive(() => new Response(null, { status: 500 }));
    const head = await post("a");
    await untilStatus(key, head.event, "retrying");
    const behind = await post("b");
    await untilShown(behind.delivery, "pending");
    expect((await show(head.delivery))["waitingFor"]).toMatchObject({
      reason: "backoff",
      until: expect.stringMatching(/Z$/),
    });
    expect((await show(behind.delivery))["waitingFor"]).toEqual({ reason: "lane", delivery: head.delivery });

    const listed = async (query: string) =>
      (await call("GET", `/v1/deliveries?${query}`, { key })).json.data.map(({ id }) => id);
    expect(await listed("status=retrying")).toEqual([head.delivery]);
    expect(await listed("status=pending")).toEqual([behind.delivery]);
    expect(await listed(`event=${behind.event}`)).toEqual([behind.delivery]);
    expect(await listed(`endpoint=${endpoint}&user=u_1&channel=webhook&order=asc`)).toEqual([
      head.delivery,
      behind.delivery,
    ]);
    expect(await listed("user=u_2")).toEqual([]);
  });

  it("attempts one that waits for its next attempt now, and then what is behind it", async () => {
    let isWell = false;
    const sent = receive(() => new Response(null, { status: isWell ? 204 : 500 }));
    const head = await post("a");
    await untilStatus(key, head.event, "retrying");
    const behind = await post("b");
    await untilShown(behind.delivery, "pending");
    isWell = true;
    expect(await act(behind.delivery, "retry")).toMatchObject({
      status: 409,
      json: { code: "behind_another", detail: expect.stringContaining(head.delivery) },
    });
    expect(await act(head.delivery, "retry")).toMatchObject({
      status: 202,
      json: { status: "queued", detail: "Paybell attempts it now." },
    });
    await untilStatus(key, behind.event, "delivered");
    expect(sent.map(({ headers }) => headers.get("webhook-id"))).toEqual([head.event, head.event, behind.event]);
    expect((await show(head.delivery))["attempts"]).toMatchObject([
      { class: "http", trigger: "scheduled" },
      { class: "delivered", trigger: "manual" },
    ]);
  });

  it("says in words when one is attempted whose endpoint takes nothing, and attempts it then", async () => {
    let isWell = false;
    receive(() => new Response(null, { status: isWell ? 204 : 500 }));
    const { event, delivery } = await post("a");
    await untilStatus(key, event, "retrying");
    await call("POST", `/v1/endpoints/${endpoint}/pause`, { key });
    expect(await act(delivery, "retry")).toMatchObject({
      status: 202,
      json: { detail: expect.stringContaining(`POST /v1/endpoints/${endpoint}/resume`) },
    });
    await vi.waitUntil(
      async () => ((await show(delivery))["waitingFor"] as { reason: string } | null)?.reason === "paused",
      { timeout: 10_000, interval: 25 },
    );
    isWell = true;
    await call("POST", `/v1/endpoints/${endpoint}/resume`, { key });
    await untilStatus(key, event, "delivered");
    await call("DELETE", `/v1/endpoints/${endpoint}`, { key });
    expect(await act(delivery, "retry")).toMatchObject({
      status: 404,
      json: { detail: expect.stringMatching(/deleted/) },
    });
  });

  it("cancels one that waits, once, and its lane goes on", async () => {
    receive(
      async (request) => new Response(null, { status: (await request.text()).includes('"sequence":1,') ? 500 : 204 }),
    );
    const head = await post("a");
    await untilStatus(key, head.event, "retrying");
    const behind = await post("b");
    expect(await act(head.delivery, "cancel")).toMatchObject({
      status: 200,
      json: { id: head.delivery, status: "canceled", waitingFor: null, attempts: [{ class: "http" }] },
    });
    await untilStatus(key, behind.event, "delivered");
    expect(await act(head.delivery, "cancel")).toMatchObject({ status: 409, json: { code: "already_over" } });
    expect((await show(head.delivery))["status"]).toBe("canceled");
  });

  it("sends one that is over again, with the same webhook-id", async () => {
    const bodies: string[] = [];
    const sent = receive(async (request) => {
      bodies.push(await request.text());
      return new Response(null, { status: 204 });
    });
    const { event, delivery } = await post("a");
    await untilStatus(key, event, "delivered");
    expect(await act(delivery, "cancel")).toMatchObject({ status: 409 });
    expect(await act(delivery, "retry")).toMatchObject({ status: 202, json: { status: "queued" } });
    await vi.waitUntil(async () => ((await show(delivery))["attempts"] as unknown[]).length === 2, { timeout: 10_000 });
    expect(sent.map(({ headers }) => headers.get("webhook-id"))).toEqual([event, event]);
    expect(bodies[1]).toBe(bodies[0]);
    expect((await show(delivery))["attempts"]).toMatchObject([{ trigger: "scheduled" }, { trigger: "manual" }]);
  });
});
