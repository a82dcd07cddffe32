import { env } from "cloudflare:workers";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { call, newEndpoint, newMerchant, receive, setFaults } from "../support/merchant.ts";
import { newStripeSource, postBytes, postSigned, sign, succeeded } from "../ingest/stripe.ts";
import { send } from "./support.ts";

/** What must be nowhere but in the body of an event and where secrets and addresses are kept sealed. */
const MARKERS = {
  email: "ada.marker@customers.example",
  phone: "2025550143",
  name: "Marker-Lovelace",
  card: "4242424242424242",
  sourceSecret: "whsec_source_marker_1",
  headerSecret: "header_secret_marker",
  accountSecret: "re_account_marker",
};
/** The merchant's own id of a person stands in the log, but in no line. */
const USER = "user.marker";
const PHONE = "+1 202 555 0143";

let merchant: { id: string; key: string };
const lines: string[] = [];
/** What the endpoint is asked with, in the order of the requests. */
let answers: (() => Response)[] = [];

/** How a machine answers that says all it knows. */
const talkative = (status: number, body: object) => () => Response.json(body, { status });

const said = { error: `no ${MARKERS.email}, ${PHONE}, ${MARKERS.card}`, message: `bad ${MARKERS.email} ${PHONE}` };

const custom = { name: MARKERS.name, email: MARKERS.email, phone: PHONE, card: MARKERS.card };

let posted = 0;
const post = async (fields: object = {}) => {
  const body = { id: `e_${++posted}`, type: "custom.note", user: USER, data: { custom }, ...fields };
  return call("POST", "/v1/events", { key: merchant.key, body });
};

const payment = () => ({ type: "payment.succeeded", data: { payment: { id: `p_${posted}`, reference: "order_1" } } });

/** Waits until so many deliveries of the merchant have had an attempt or are over. */
async function untilLogged(count: number): Promise<void> {
  await vi.waitFor(
    async () => {
      const n = await env.DB.prepare("SELECT count(*) AS n FROM deliveries WHERE merchant = ? AND status <> 'pending'")
        .bind(merchant.id)
        .first<number>("n");
      expect(n).toBeGreaterThanOrEqual(count);
    },
    { timeout: 10_000, interval: 25 },
  );
}

beforeAll(async () => {
  for (const level of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, level).mockImplementation((...args: unknown[]) => void lines.push(args.map(String).join(" ")));
  }
  receive(() => (answers.shift() ?? talkative(500, said))());
  merchant = await newMerchant();
  const { key } = merchant;
  await newEndpoint(key, { ordering: "none", headers: { "x-shop": MARKERS.headerSecret } });
  const account = { provider: "resend", apiKey: MARKERS.accountSecret, from: "shop@shop.example" };
  await call("PUT", "/v1/channels/email", { key, body: account });
  const contact = { email: MARKERS.email, phone: PHONE, phoneVerified: true };
  await call("PUT", `/v1/users/${USER}`, { key, body: contact });
});

afterAll(async () => {
  await setFaults({});
  vi.restoreAllMocks();
});

describe("whatever goes wrong, no line and no column of the log tells of a person or a secret:", () => {
  it("input that is refused", async () => {
    const { key } = merchant;
    await call("PUT", `/v1/users/${USER}`, { key, body: { email: `${MARKERS.email} ` } });
    await call("POST", "/v1/events", { key, body: `{"${MARKERS.name}` });
    await call("POST", "/v1/endpoints", { key, body: { url: `ftp://${MARKERS.name}` } });
    await send("GET", `/v1/users/${USER}`, { headers: { authorization: `Bearer ${MARKERS.accountSecret}` } });
    expect((await post({ data: { custom, [MARKERS.name]: 1 } })).status).toBe(422);
  });

  it("posts of providers, signed and not", async () => {
    const source = await newStripeSource(merchant.key, { secrets: [MARKERS.sourceSecret] });
    const event = JSON.stringify(succeeded(USER, "pi_1", { receipt_email: MARKERS.email }));
    expect((await postBytes(source.id, event, `t=1,v1=${MARKERS.name}`)).status).toBe(401);
    const broken = `{"${MARKERS.email}`;
    const signature = await sign(broken, MARKERS.sourceSecret);
    expect((await postBytes(source.id, broken, signature)).status).toBe(200);
    expect((await postSigned({ ...source, secret: MARKERS.sourceSecret }, JSON.parse(event))).status).toBe(200);
  });

  it("endpoints and providers of messages that answer with what they were sent, or not at all", async () => {
    answers = [
      talkative(500, said),
      () => {
        throw new Error(`no connection for ${MARKERS.email}`);
      },
      talkative(422, { name: "validation_error", message: `Invalid to: ${MARKERS.email}`, statusCode: 422 }),
    ];
    await post();
    await post();
    await post(payment());
    await untilLogged(3);
  });

  it("D1, queues and outboxes that fail", async () => {
    const { key } = merchant;
    await setFaults({ d1Fails: 1 });
    await call("PUT", `/v1/users/${USER}`, { key, body: { email: MARKERS.email } });
    await call("PATCH", "/v1/endpoints/ep_1", { key, body: { headers: { "x-shop": MARKERS.headerSecret } } });
    await call("GET", `/v1/users?email=${MARKERS.email}`, { key });
    await setFaults({ acceptFails: 1, backupFails: 1 });
    await post();
    await setFaults({ settleFails: 1, d1Fails: 0.5, seed: 3 });
    await post();
    await post(payment());
    await vi.waitUntil(() => lines.some((line) => line.includes("settle.failed")), { timeout: 10_000, interval: 25 });
    await setFaults({});
    // A statement that D1 itself refuses: drizzle's error quotes what it was given.
    await env.DB.prepare("ALTER TABLE endpoints RENAME TO endpoints_away").run();
    const url = `https://shop.example/${MARKERS.name}`;
    expect((await call("POST", "/v1/endpoints", { key, body: { url } })).status).toBe(500);
    await env.DB.prepare("ALTER TABLE endpoints_away RENAME TO endpoints").run();
    await env.DB.prepare("ALTER TABLE users RENAME TO users_away").run();
    expect((await call("PUT", `/v1/users/${USER}`, { key, body: {} })).status).toBe(500);
    await env.DB.prepare("ALTER TABLE users_away RENAME TO users").run();
  });

  it("and there were lines, and rows", async () => {
    expect(lines.filter((line) => line.includes("request.failed")).length).toBeGreaterThan(0);
    for (const name of ["ingest.refused", "ingest.unparseable", "event.spill_failed", "settle.failed"]) {
      expect(lines.join("\n")).toContain(name);
    }
    for (const marker of [...Object.values(MARKERS), PHONE, USER, merchant.key]) {
      expect(lines.filter((line) => line.includes(marker))).toEqual([]);
    }
    const [events, deliveries] = await env.DB.batch([
      env.DB.prepare("SELECT * FROM events WHERE merchant = ?").bind(merchant.id),
      env.DB.prepare("SELECT * FROM deliveries WHERE merchant = ?").bind(merchant.id),
    ]);
    const rows = [...events!.results.map((row) => ({ ...(row as object), template: null })), ...deliveries!.results];
    expect(events!.results.length).toBeGreaterThan(3);
    expect(JSON.stringify(deliveries!.results)).toContain("[address]");
    for (const marker of [...Object.values(MARKERS), PHONE, merchant.key]) {
      expect(rows.filter((row) => JSON.stringify(row).includes(marker))).toEqual([]);
    }
  });
});
