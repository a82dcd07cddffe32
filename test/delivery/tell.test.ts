import {
  createExecutionContext,
  runDurableObjectAlarm,
  runInDurableObject,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { deliveryId } from "../../src/event/ids.ts";
import { userKey } from "../../src/outbox/keys.ts";
import { seal } from "../../src/platform/secret-box.ts";
import { forget } from "../../src/store/config.ts";
import { emailsToday } from "../../src/store/email-counts.ts";
import { addressRow, personOf } from "../../src/store/people.ts";
import { acceptEvents } from "../../src/ingest/accept.ts";
import { acceptEvent, endpoint, pass, paymentEvent } from "../support/builders.ts";
import { call, newMerchant, receive } from "../support/merchant.ts";

const RESEND = { provider: "resend", from: "Shop <shop@shop.example>", apiKey: "re_1" };
const TWILIO = { provider: "twilio", accountSid: `AC${"0".repeat(32)}`, authToken: "token", from: "+15005550006" };
const ADA = { email: "ada@customers.example", phone: "+12025550143", phoneVerified: true };
const HOUR_MS = 3_600_000;

let merchant: { id: string; key: string };
let posted = 0;

beforeEach(async () => {
  merchant = await newMerchant();
});

afterEach(async () => {
  // What is still to be retried would reach the provider of a later test.
  await call("DELETE", `/v1/merchants/${merchant.id}`, { key: env.ADMIN_TOKEN });
  vi.restoreAllMocks();
});

const put = (path: string, body: unknown) => call("PUT", path, { key: merchant.key, body });

/** A merchant with an account for one channel, whose user is Ada. */
async function furnish(channel: "email" | "sms", contact: object = ADA): Promise<void> {
  expect((await put(`/v1/channels/${channel}`, channel === "email" ? RESEND : TWILIO)).status).toBe(200);
  expect((await put("/v1/users/ada", contact)).status).toBe(200);
}

/** Posts an event about a payment of Ada's; returns its id. */
async function post(fields: Record<string, unknown> = {}): Promise<string> {
  posted += 1;
  const payment = { id: `p_${posted}`, amount: { value: "1999", currency: "EUR" }, reference: "order_77" };
  const body = { id: `e_${posted}`, type: "payment.succeeded", user: "ada", data: { payment }, ...fields };
  const { status, json } = await call("POST", "/v1/events", { key: merchant.key, body });
  expect(status).toBe(202);
  return String(json["id"]);
}

interface Shown {
  status: string;
  reason: string | null;
  waitingFor: { reason: string; until?: string; delivery?: string } | null;
  attempts: { class: string; message?: string; code?: string; error?: string }[];
}

async function show(event: string, channel: string): Promise<Shown> {
  return (await call("GET", `/v1/deliveries/${deliveryId(event, channel)}`, { key: merchant.key }))
    .json as unknown as Shown;
}

async function until(event: string, channel: string, status: string): Promise<Shown> {
  return vi.waitUntil(
    async () => {
      const shown = await show(event, channel);
      return shown.status === status && shown;
    },
    { timeout: 10_000, interval: 25 },
  );
}

/** What the provider was asked for. */
interface Asked {
  headers: Record<string, string>;
  body: string;
}

/** Stands in for the provider; `answer` is given the number of the request, from 1. */
function provider(answer: (count: number) => Response | Promise<Response>): Asked[] {
  const asked: Asked[] = [];
  receive(async (request) => {
    asked.push({ headers: Object.fromEntries(request.headers), body: await request.text() });
    return answer(asked.length);
  });
  return asked;
}

const accepted = () => Response.json({ id: "msg_1", sid: `SM${"1".repeat(32)}`, status: "queued" }, { status: 201 });
const resendError = (status: number, name: string) => () =>
  Response.json({ statusCode: status, name, message: "No, not to ada@customers.example" }, { status });
const twilioError = (status: number, code: number) => () =>
  Response.json({ code, message: "The number +12025550143 is refused", status }, { status });
const lost = () => Promise.reject(new Error("Network connection lost."));

const outboxOfAda = async () => env.USER_OUTBOX.getByName(await userKey(merchant.id, "ada"));

/** Lets time go by, and the outbox send what is due by then. */
async function wait(ms: number): Promise<void> {
  const outbox = await outboxOfAda();
  await pass(outbox, ms);
  await runDurableObjectAlarm(outbox);
}

describe("telling a person", () => {
  it("by email: one request with the delivery's id as its key, `sent`, and no address in the log", async () => {
    await furnish("email");
    const asked = provider(accepted);
    const event = await post();
    const { attempts } = await until(event, "email", "sent");
    expect(attempts).toMatchObject([{ class: "sent", message: "msg_1" }]);
    expect(asked).toHaveLength(1);
    expect(asked[0]!.headers).toMatchObject({
      authorization: "Bearer re_1",
      "idempotency-key": deliveryId(event, "email"),
    });
    const email = JSON.parse(asked[0]!.body);
    expect(email).toMatchObject({ from: RESEND.from, to: [ADA.email] });
    expect(email.text).toContain("€19.99");
    const log = await env.DB.prepare("SELECT * FROM deliveries WHERE merchant = ?").bind(merchant.id).all();
    expect(JSON.stringify(log.results)).not.toContain(ADA.email);
  });

  it("by text, in the language of the person", async () => {
    await furnish("sms", { ...ADA, locale: "zh-CN" });
    const asked = provider(accepted);
    const { attempts } = await until(await post(), "sms", "sent");
    expect(attempts).toMatchObject([{ class: "sent", message: `SM${"1".repeat(32)}` }]);
    const form = new URLSearchParams(asked[0]!.body);
    expect(Object.fromEntries(form)).toMatchObject({ To: ADA.phone, From: TWILIO.from });
    expect(form.get("Body")).toMatch(/EUR 19\.99/);
    expect(form.get("Body")).toMatch(/\p{Script=Han}/u);
  });

  it("by the Worker's own email binding", async () => {
    await put("/v1/channels/email", { provider: "cloudflare", from: "Shop" });
    await put("/v1/users/ada", ADA);
    const { attempts } = await until(await post(), "email", "sent");
    expect(attempts).toMatchObject([{ class: "sent", message: expect.stringMatching(/paybell\.example/) }]);
  });

  it("by the Worker's own email binding: from the merchant's own address, whatever its account named once", async () => {
    await put("/v1/channels/email", { provider: "cloudflare", from: "Shop" });
    await env.DB.prepare("UPDATE channel_accounts SET settings = ? WHERE merchant = ?")
      .bind(JSON.stringify({ from: "Shop <alerts@paybell.example>" }), merchant.id)
      .run();
    forget(merchant.id);
    await put("/v1/users/ada", ADA);
    const sent = vi.spyOn(env.EMAIL, "send");
    await until(await post(), "email", "sent");
    const own = `${merchant.id.replace("_", "-")}@paybell.example`;
    expect(sent.mock.calls).toMatchObject([[{ from: { name: "Shop", email: own } }]]);
  });

  it("by the Worker's own email binding, as often a day as the operator lets it; what is over waits for the next", async () => {
    await put("/v1/channels/email", { provider: "cloudflare", from: "Shop" });
    await env.DB.prepare("UPDATE merchants SET daily_email_limit = 2 WHERE id = ?").bind(merchant.id).run();
    forget(merchant.id);
    await put("/v1/users/ada", ADA);
    const sent = vi.spyOn(env.EMAIL, "send");
    for (let i = 0; i < 2; i++) await until(await post(), "email", "sent");
    const third = await post();
    await vi.waitUntil(async () => (await show(third, "email")).waitingFor?.reason === "daily_limit", {
      timeout: 10_000,
    });
    const midnight = new Date().setUTCHours(24, 0, 0, 0);
    const { status, attempts, waitingFor } = await show(third, "email");
    expect({ status, attempts }).toEqual({ status: "pending", attempts: [] });
    expect(Date.parse(waitingFor!.until!)).toBeGreaterThanOrEqual(midnight);
    expect(sent).toHaveBeenCalledTimes(2);
    const { json } = await call("GET", `/v1/merchants/${merchant.id}`, { key: env.ADMIN_TOKEN });
    expect(json["usage"]).toMatchObject({ emailsToday: 2 });
    // An account of the merchant's own is its own affair.
    await put("/v1/channels/email", RESEND);
    provider(accepted);
    await until(
      await post({ user: "bob" }).then(async (event) => (await put("/v1/users/bob", ADA), event)),
      "email",
      "sent",
    );
  });

  it("by the Worker's own email binding: what was not sent is not counted", async () => {
    await put("/v1/channels/email", { provider: "cloudflare", from: "Shop" });
    await put("/v1/users/ada", ADA);
    const sent = vi.spyOn(env.EMAIL, "send");
    sent.mockRejectedValueOnce(Object.assign(new Error("Try again"), { code: "E_INTERNAL_SERVER_ERROR" }));
    const payment = { id: "p_uncounted", amount: { value: "1999", currency: "EUR" } };
    const paid = await post({ data: { payment } });
    await until(paid, "email", "retrying");
    const refund = { id: "re_1", amount: { value: "1999", currency: "EUR" } };
    const refunded = await post({ type: "refund.succeeded", data: { payment: { id: "p_uncounted" }, refund } });
    await wait(10_000);
    expect(await until(paid, "email", "skipped")).toMatchObject({ reason: "superseded" });
    await until(refunded, "email", "sent");
    expect(sent).toHaveBeenCalledTimes(2);
    expect(await emailsToday(env.DB, merchant.id, Date.now())).toBe(1);
  });

  it("by the Worker's own email binding: waits a moment while nobody can count", async () => {
    await put("/v1/channels/email", { provider: "cloudflare", from: "Shop" });
    await put("/v1/users/ada", ADA);
    const counts = "CREATE TRIGGER uncounted BEFORE INSERT ON email_counts BEGIN SELECT raise(ABORT, 'down'); END";
    await env.DB.prepare(counts).run();
    const event = await post();
    try {
      await vi.waitUntil(async () => (await show(event, "email")).waitingFor?.reason === "backoff", {
        timeout: 10_000,
      });
    } finally {
      await env.DB.prepare("DROP TRIGGER uncounted").run();
    }
    await wait(10_000);
    expect((await until(event, "email", "sent")).attempts).toHaveLength(1);
  });

  it("on a lane of its own: the next message goes out when this one was taken", async () => {
    await furnish("email");
    const first = Promise.withResolvers<void>();
    const asked = provider((count) => (count === 1 ? first.promise.then(accepted) : accepted()));
    const events = [await post(), await post()];
    await vi.waitUntil(async () => (await show(events[1]!, "email")).waitingFor?.reason === "lane", {
      timeout: 10_000,
    });
    expect(asked).toHaveLength(1);
    first.resolve();
    await until(events[1]!, "email", "sent");
    expect(asked.map(({ headers }) => headers["idempotency-key"])).toEqual(
      events.map((event) => deliveryId(event, "email")),
    );
  }, 20_000);

  it("whom another isolate has heard of just before the event", async () => {
    await furnish("sms");
    provider(accepted);
    const ref = { merchant: merchant.id, user: "late" };
    expect(await personOf(env, ref)).toEqual({ ok: true, value: null });
    await env.DB.prepare(
      "INSERT INTO users (merchant, id, phone, phone_verified, created_at, updated_at) VALUES (?, ?, ?, 1, 0, 0)",
    )
      .bind(ref.merchant, ref.user, await seal(env.ENCRYPTION_KEY, addressRow(ref, "sms"), ADA.phone))
      .run();
    await until(await post({ user: "late" }), "sms", "sent");
  });
});

describe("an event that was planned to be told, of a source that has come to demand more", () => {
  it.each([
    ["signed", "skipped", "authenticity"],
    ["fetched", "sent", null],
  ])("and now demands %s, is %s", async (minAuthenticity, status, reason) => {
    await furnish("email");
    const asked = provider(accepted);
    const made = await call("POST", "/v1/sources", {
      key: merchant.key,
      body: { provider: "stripe", minAuthenticity },
    });
    const source = String(made.json["id"]);
    const origin = { name: "stripe", source, eventId: "x", type: "x", authenticity: "fetched" as const };
    const event = paymentEvent({ user: "ada", origin });
    const ctx = createExecutionContext();
    const accepting = await acceptEvent({ merchant: merchant.id, event, plan: [endpoint("email")] });
    await acceptEvents({ env, ctx }, [accepting]);
    await waitOnExecutionContext(ctx);
    expect(await until(accepting.id, "email", status)).toMatchObject({ reason });
    expect(asked).toHaveLength(status === "sent" ? 1 : 0);
  });
});

describe("an answer of the class", () => {
  it.each([
    ["transient", "email", resendError(500, "internal_server_error"), "retrying", "backoff"],
    ["throttled", "email", resendError(429, "rate_limit_exceeded"), "retrying", "retry_after"],
    ["config", "email", resendError(403, "invalid_api_key"), "retrying", "breaker"],
    ["ambiguous", "email", lost, "retrying", "backoff"],
    ["ambiguous", "sms", lost, "exhausted", null],
    ["transient", "sms", twilioError(503, 20503), "retrying", "backoff"],
    ["throttled", "sms", twilioError(429, 20429), "retrying", "retry_after"],
    ["config", "sms", twilioError(401, 20003), "retrying", "breaker"],
    ["address_dead", "sms", twilioError(400, 21211), "bounced", null],
    ["opted_out", "sms", twilioError(400, 21610), "skipped", null],
    ["content", "sms", twilioError(400, 21617), "exhausted", null],
    ["invalid", "sms", twilioError(400, 21602), "exhausted", null],
    ["invalid", "email", resendError(422, "validation_error"), "exhausted", null],
  ] as const)(
    "%s on %s is followed by what its row of the table says",
    async (kind, channel, answer, status, waits) => {
      await furnish(channel);
      const asked = provider(answer);
      const event = await post();
      const shown = await until(event, channel, status);
      expect(shown).toMatchObject({ reason: kind, attempts: [{ class: kind }] });
      expect(shown.waitingFor?.reason ?? null).toBe(waits);
      expect(JSON.stringify(shown)).not.toMatch(/ada@|2025550143/);
      expect(asked).toHaveLength(1);
    },
  );

  it.each([
    ["address_dead", 21211],
    ["opted_out", 21610],
  ])("%s: the number is asked for no more, whatever happens", async (reason, code) => {
    await furnish("sms");
    const asked = provider(twilioError(400, code));
    const first = await post();
    await vi.waitUntil(async () => (await show(first, "sms")).reason === reason, { timeout: 10_000 });
    expect(await until(await post(), "sms", "skipped")).toMatchObject({ reason, attempts: [] });
    expect(asked).toHaveLength(1);
    await put("/v1/users/ada", { ...ADA, phone: "+12025550178" });
    const other = await post();
    await vi.waitUntil(async () => (await show(other, "sms")).attempts?.length === 1, { timeout: 10_000 });
    expect(asked).toHaveLength(2);
  });

  it("opted_out by a list that the provider keeps itself: it is asked again the next time", async () => {
    await put("/v1/channels/email", { provider: "cloudflare", from: "Shop" });
    await put("/v1/users/ada", ADA);
    const refused = Object.assign(new Error("Recipient suppressed"), { code: "E_RECIPIENT_SUPPRESSED" });
    vi.spyOn(env.EMAIL, "send").mockRejectedValueOnce(refused);
    const first = await post();
    expect(await until(first, "email", "skipped")).toMatchObject({ reason: "opted_out" });
    await until(await post(), "email", "sent");
  });

  it("config: the account is left alone, until it is changed", async () => {
    await furnish("sms");
    await put("/v1/users/bob", { ...ADA, phone: "+12025550178" });
    const asked = provider((count) => (count === 1 ? twilioError(401, 20003)() : accepted()));
    await until(await post(), "sms", "retrying");
    const waiting = await post({ user: "bob" });
    await vi.waitUntil(async () => (await show(waiting, "sms")).waitingFor?.reason === "breaker", { timeout: 10_000 });
    expect(asked).toHaveLength(1);
    await put("/v1/channels/sms", { ...TWILIO, authToken: "better" });
    await until(
      await post({ user: "bob", type: "payment.failed", data: { payment: { id: "p_b" } } }),
      "sms",
      "pending",
    );
    const outbox = env.USER_OUTBOX.getByName(await userKey(merchant.id, "bob"));
    await pass(outbox, 120_000);
    await runDurableObjectAlarm(outbox);
    await until(waiting, "sms", "sent");
  });
});

describe("once", () => {
  it("a text whose answer was lost is not sent again", async () => {
    await furnish("sms");
    const asked = provider(lost);
    await until(await post(), "sms", "exhausted");
    await wait(24 * HOUR_MS);
    expect(asked).toHaveLength(1);
  });

  it("an email whose answer was lost is sent again under the same key, with the same content", async () => {
    await furnish("email");
    const asked = provider((count) => (count === 1 ? lost() : accepted()));
    const event = await post();
    await until(event, "email", "retrying");
    await wait(10_000);
    const { attempts } = await until(event, "email", "sent");
    expect(attempts.map((attempt) => attempt.class)).toEqual(["ambiguous", "sent"]);
    expect(asked).toHaveLength(2);
    expect(asked[1]).toEqual(asked[0]);
  });

  it("but not once its key is no longer known", async () => {
    await furnish("email");
    const asked = provider(lost);
    const event = await post();
    await until(event, "email", "retrying");
    await runInDurableObject(await outboxOfAda(), (_, { storage }) =>
      storage.sql.exec(
        "UPDATE event SET record = json_set(record, '$.acceptedAt', ?) WHERE record IS NOT NULL",
        Date.now() - 24 * HOUR_MS,
      ),
    );
    await wait(10_000);
    expect(await until(event, "email", "exhausted")).toMatchObject({ reason: "expired" });
    expect(asked).toHaveLength(1);
  });
});

describe("by hand, days later", () => {
  it("a text is worth its day anew", async () => {
    await furnish("sms");
    const asked = provider((count) => (count === 1 ? lost() : accepted()));
    const event = await post();
    await until(event, "sms", "exhausted");
    await env.DB.prepare("UPDATE events SET accepted_at = accepted_at - ? WHERE id = ?")
      .bind(48 * HOUR_MS, event)
      .run();
    await call("POST", `/v1/deliveries/${deliveryId(event, "sms")}/retry`, { key: merchant.key });
    await until(event, "sms", "sent");
    expect(asked.map(({ body }) => new URLSearchParams(body).get("ValidityPeriod"))).toEqual([null, null]);
  });
});

describe("nobody is told", () => {
  it.each([
    ["whose user is not known", "unknown_user", { user: "nobody" }],
    ["that names no user", "no_user", { user: undefined }],
    ["that is a test", "testmode", { livemode: false }],
  ])("of an event %s", async (_, reason, fields) => {
    await furnish("sms");
    const asked = provider(accepted);
    expect(await until(await post(fields), "sms", "skipped")).toMatchObject({ reason, attempts: [] });
    expect(asked).toEqual([]);
  });

  it.each([
    ["who has no phone", "no_address", { email: ADA.email }],
    ["whose phone nobody has verified", "phone_unverified", { phone: ADA.phone }],
  ])("%s", async (_, reason, contact) => {
    await furnish("sms", contact);
    const asked = provider(accepted);
    expect(await until(await post(), "sms", "skipped")).toMatchObject({ reason });
    expect(asked).toEqual([]);
  });

  it("of an event that changes nothing, not even by hand", async () => {
    await furnish("sms");
    const asked = provider(accepted);
    const data = { payment: { id: "p_same", amount: { value: "500", currency: "EUR" } } };
    await until(await post({ data }), "sms", "sent");
    const repeated = await post({ data });
    expect(await until(repeated, "sms", "skipped")).toMatchObject({ reason: "stale" });
    await call("POST", `/v1/deliveries/${deliveryId(repeated, "sms")}/retry`, { key: merchant.key });
    const log = async () => (await show(repeated, "sms")).status;
    await vi.waitUntil(
      async () =>
        runInDurableObject(
          await outboxOfAda(),
          (_, { storage }) => storage.sql.exec("SELECT 1 FROM event WHERE pending IS NOT NULL").toArray().length === 0,
        ),
      { timeout: 10_000 },
    );
    expect(await log()).toBe("skipped");
    expect(asked).toHaveLength(1);
  });

  it("what the facts have gone beyond while it waited for the provider", async () => {
    await furnish("email");
    const asked = provider((count) => (count === 1 ? resendError(500, "application_error")() : accepted()));
    const payment = { id: "p_refunded", amount: { value: "1999", currency: "EUR" } };
    const paid = await post({ data: { payment } });
    await until(paid, "email", "retrying");
    const refund = { id: "re_1", amount: { value: "1999", currency: "EUR" } };
    const refunded = await post({ type: "refund.succeeded", data: { payment: { id: "p_refunded" }, refund } });
    await wait(10_000);
    expect(await until(paid, "email", "skipped")).toMatchObject({ reason: "superseded" });
    await until(refunded, "email", "sent");
    expect(asked.map(({ body }) => JSON.parse(body).subject)).toHaveLength(2);
  });

  it("of what people do not hear of: no delivery is planned", async () => {
    await furnish("sms");
    const event = await post({ type: "payment.processing" });
    await vi.waitUntil(async () => (await call("GET", `/v1/events/${event}`, { key: merchant.key })).status === 200, {
      timeout: 10_000,
    });
    expect((await call("GET", `/v1/events/${event}`, { key: merchant.key })).json["deliveries"]).toEqual([]);
  });
});
