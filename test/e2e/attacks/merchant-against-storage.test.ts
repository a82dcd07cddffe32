import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, it } from "vitest";

import { newMerchant, type Merchant } from "../client.ts";
import { eventOf, startStory, type Story } from "../story.ts";

/** A merchant signs junk at its own source, as large and as often as it may; the story's own is still served. */
let story: Story;
let hostile: Merchant;
let ingestUrl: string;

const SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const MIB = 1024 * 1024;
/** As many of a megabyte as fit into the quarantine, and some more: base64 is a third longer. */
const POSTS = 28;

interface Quarantine {
  data: { id: string }[];
  usage: { requests: number; bytes: number; maxBytes: number; dropped: number };
}

beforeAll(async () => {
  // Leases as in production: what is slow is not sent twice.
  story = await startStory({ vars: { LEASE_MS: "60000", START_BY_MS: "20000" } });
  hostile = await newMerchant(story.merchant.url);
  const source = { provider: "standard", secrets: [SECRET] };
  ({ ingestUrl } = (await hostile.call<{ ingestUrl: string }>("POST", "/v1/sources", source)).json);
});
afterAll(() => story.end());

/** Posts junk that is signed; its status. */
async function postJunk(n: number): Promise<number> {
  const [id, at] = [`msg_${n}`, new Date()];
  const body = `{"junk ${n}":"`.padEnd(MIB, "x");
  const headers = {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(SECRET).sign(id, at, body),
  };
  return (await fetch(ingestUrl, { method: "POST", headers, body })).status;
}

async function isServed(name: string): Promise<void> {
  const { id, status } = await story.post(eventOf("u_1", name));
  expect(status).toBe("accepted");
  await story.receiver.until((received) => received.some((one) => one.id === id), name);
}

it("a megabyte of signed junk, again and again, is kept within bounds: the oldest make room, and that is said", async () => {
  const waiting = Array.from({ length: POSTS }, (_, n) => n);
  const answers: number[] = [];
  const posting = Array.from({ length: 4 }, async () => {
    for (let n = waiting.shift(); n !== undefined; n = waiting.shift()) {
      answers.push(await postJunk(n));
    }
  });
  await isServed("beside");
  await Promise.all(posting);
  expect(answers).toEqual(Array.from({ length: POSTS }, () => 200));
  const { usage } = (await hostile.call<Quarantine>("GET", "/v1/quarantine")).json;
  expect(usage.bytes).toBeLessThanOrEqual(usage.maxBytes);
  expect(usage.bytes).toBeGreaterThan(usage.maxBytes - 2 * MIB);
  expect(usage.dropped).toBeGreaterThan(0);
  expect(usage.requests + usage.dropped).toBe(POSTS);
});

it("the same junk again takes no more room", async () => {
  const before = (await hostile.call<Quarantine>("GET", "/v1/quarantine")).json.usage;
  expect(await postJunk(POSTS - 1)).toBe(200);
  expect((await hostile.call<Quarantine>("GET", "/v1/quarantine")).json.usage).toEqual(before);
});

it("keys made and revoked without end are no more than may be, and the other is served", async () => {
  for (let n = 0; n < 20; n++) {
    const { status, json } = await hostile.call<{ id: string }>("POST", "/v1/api-keys", { scopes: ["log:read"] });
    expect(status).toBe(201);
    expect((await hostile.call("DELETE", `/v1/api-keys/${json.id}`)).status).toBe(204);
  }
  await isServed("afterwards");
});
