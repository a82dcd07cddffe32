import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";

import { writeLog } from "../../src/store/log.ts";
import { call, newMerchant } from "../support/merchant.ts";
import { expectRefused } from "./refusal.ts";
import { eventRecord, logEvents, newEventId, send } from "./support.ts";

/** Events of a minute ago that were in time: they are written as if the log had been there then. */
const MINUTE = 60_000;

let merchant: { id: string; key: string };

beforeEach(async () => {
  merchant = await newMerchant();
});

const feed = async (query = "") => call("GET", `/v1/events?order=asc&wait=0${query}`, { key: merchant.key });

/** Makes the log as it would be had its events come in time. */
async function asInTime(): Promise<void> {
  await env.DB.prepare("UPDATE events SET late_at = NULL WHERE merchant = ?").bind(merchant.id).run();
}

describe("the feed", () => {
  it("gives events with their bodies, page by page, and always a cursor to go on with", async () => {
    const ids = await logEvents(merchant.id, 3, "ep_1", { from: Date.now() - MINUTE });
    await asInTime();
    const first = await feed("&limit=2");
    expect(first.json.data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(first.json.data[0]).toMatchObject({
      id: ids[0],
      type: "payment.succeeded",
      sequence: 1,
      body: { id: ids[0], previous: null, data: { payment: { id: "pi_1" } } },
    });
    expect(first.json.data[0]).not.toHaveProperty("lateAt");
    const second = await feed(`&limit=2&after=${String(first.json["next"])}`);
    expect(second.json.data.map(({ id }) => id)).toEqual(ids.slice(2));
    const third = await feed(`&after=${String(second.json["next"])}`);
    expect(third.json).toEqual({ data: [], next: expect.stringMatching(/^[0-9a-z]{10}/) });
  });

  it("begins behind an event, or at a time", async () => {
    const from = Date.now() - MINUTE;
    const ids = await logEvents(merchant.id, 3, "ep_1", { from });
    await asInTime();
    expect((await feed(`&after=${ids[0]}`)).json.data.map(({ id }) => id)).toEqual(ids.slice(1));
    const since = new Date(from + 2).toISOString();
    expect((await feed(`&since=${since}`)).json.data.map(({ id }) => id)).toEqual(ids.slice(2));
  });

  it("waits for the next event, also for one that was received long ago", { timeout: 20_000 }, async () => {
    const { json } = await feed();
    const waiting = call("GET", `/v1/events?order=asc&wait=20&after=${String(json["next"])}`, { key: merchant.key });
    const at = Date.now() - MINUTE;
    const id = newEventId(at);
    await writeLog(env.DB, [{ event: eventRecord(merchant.id, id, at) }]);
    expect((await waiting).json.data.map((event) => event["id"])).toEqual([id]);
  });

  it("ends the waiting with an empty page, and the cursor moves on", async () => {
    const first = await feed();
    const second = await call("GET", `/v1/events?order=asc&wait=1&after=${String(first.json["next"])}`, {
      key: merchant.key,
    });
    expect(second.json.data).toEqual([]);
    expect(String(second.json["next"]) > String(first.json["next"])).toBe(true);
  });

  it.each([
    ["wait=5", "/wait"],
    ["order=desc&wait=5", "/wait"],
    ["order=asc&wait=21", "/wait"],
    ["order=asc&wait=x", "/wait"],
    ["order=asc&wait=1&after=evt_1", "/after"],
    ["order=asc&wait=1&after=' OR 1", "/after"],
  ])("refuses %s", async (query, path) => {
    await expectRefused({ name: query, status: 422, code: "invalid", path }, () =>
      send("GET", `/v1/events?${query}`, { headers: { authorization: `Bearer ${merchant.key}` } }),
    );
  });
});
