import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeAll, describe, expect, it, vi } from "vitest";

import { bodyFor } from "../../src/event/envelope.ts";
import { paymentKey, userKey } from "../../src/outbox/keys.ts";
import { ordersOf } from "../event/payment-events.ts";
import { unique } from "../support/builders.ts";
import { call, newMerchant } from "../support/merchant.ts";
import { CREATED, intent, newStripeSource, postSigned, stripeEvent, type Json, type StripeSource } from "./stripe.ts";

/** Hundreds of events, one after the other. */
const MANY = { timeout: 60_000 };

let merchant: { id: string; key: string };
let source: StripeSource;

beforeAll(async () => {
  merchant = await newMerchant();
  source = await newStripeSource(merchant.key);
});

/** One payment with a customer of its own. */
interface Payment {
  id: string;
  customer: string;
}

const newPayment = (): Payment => ({ id: unique("pi"), customer: unique("cus") });

type Step = (payment: Payment) => Json;

/** A step in the life of a payment, `second` seconds after its beginning. */
const intentStep =
  (name: string, second: number, fields: (payment: Payment) => Json = () => ({})): Step =>
  (payment) =>
    stripeEvent(`payment_intent.${name}`, intent(payment.id, fields(payment)), { created: CREATED + second });

const otherStep =
  (type: string, second: number, object: Json): Step =>
  ({ id }) =>
    stripeEvent(type, { amount: 1999, currency: "eur", payment_intent: id, ...object }, { created: CREATED + second });

const knowsCustomer = ({ customer }: Payment) => ({ customer });
const refund = (status: string) => ({ id: "re_1", object: "refund", status });
const dispute = (status: string) => ({ id: "dp_1", object: "dispute", status });

const CREATION = intentStep("created", 0);
const SUCCESS = intentStep("succeeded", 4, knowsCustomer);
const DISPUTE = otherStep("charge.dispute.created", 7, dispute("needs_response"));

/** The whole life of a payment, in order. */
const LIFE: Step[] = [
  CREATION,
  intentStep("requires_action", 1),
  intentStep("payment_failed", 2, knowsCustomer),
  intentStep("processing", 3, knowsCustomer),
  SUCCESS,
  otherStep("refund.created", 5, refund("pending")),
  otherStep("refund.updated", 6, refund("succeeded")),
  DISPUTE,
  otherStep("charge.dispute.closed", 8, dispute("won")),
];

/** An event of a payment as the log has it. */
interface Logged {
  eventId: string;
  outbox: string;
  user: string | null;
  sequence: number;
  stale: boolean;
  status: string;
  version: number;
}

/** The events of a payment once there are `count`, in the order in which they were accepted. */
async function untilLogged(payment: string, count: number): Promise<Logged[]> {
  const rows = await vi.waitUntil(
    async () => {
      const { results } = await env.DB.prepare(
        // The payment's own outbox comes first: once the user is known, nothing is accepted there.
        "SELECT outbox, user, sequence, stale, template FROM events WHERE merchant = ? AND payment = ? ORDER BY outbox, sequence",
      )
        .bind(merchant.id, payment)
        .all<{ outbox: string; user: string | null; sequence: number; stale: number; template: string }>();
      return results.length >= count && results;
    },
    { timeout: 10_000, interval: 10 },
  );
  return rows.map(({ template, stale, ...row }) => {
    const { data } = JSON.parse(bodyFor(template, null));
    const { status, version } = data.payment;
    return { ...row, stale: stale === 1, eventId: data.provider.eventId, status, version };
  });
}

/** Posts events one after the other; every one is acknowledged alike, known or not. */
async function postAll(events: Json[]): Promise<void> {
  for (const event of events) {
    const answer = await postSigned(source, event);
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  }
}

/** The one history of a payment over both of its ordering keys: what changed the truth has the next version. */
function expectHistory(logged: Logged[]): void {
  let version = 0;
  for (const event of logged) {
    version += event.stale ? 0 : 1;
    expect(event).toMatchObject({ version });
  }
  for (const [, events] of Map.groupBy(logged, ({ outbox }) => outbox)) {
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, i) => i + 1));
  }
}

/** The truth in the end: what every event of the highest version says. */
function statusOf(logged: Logged[]): string {
  const highest = Math.max(...logged.map(({ version }) => version));
  const statuses = new Set(logged.filter(({ version }) => version === highest).map(({ status }) => status));
  expect(statuses.size).toBe(1);
  return [...statuses][0]!;
}

/** Whose events they are: the payment's own before the event that names its user, the user's from there on. */
async function expectFollowing(logged: Logged[], order: Json[], payment: Payment, naming: Json): Promise<void> {
  const alone = await paymentKey(merchant.id, source.id, payment.id);
  const owned = await userKey(merchant.id, payment.customer);
  const from = order.indexOf(naming);
  expect(logged.map(({ eventId, outbox, user }) => ({ eventId, outbox, user }))).toEqual(
    order.map(({ id }, i) =>
      i < from ? { eventId: id, outbox: alone, user: null } : { eventId: id, outbox: owned, user: payment.customer },
    ),
  );
}

describe("created, succeeded with a customer, refunded, disputed: in each of the 24 orders", () => {
  const life = [CREATION, SUCCESS, otherStep("refund.created", 5, refund("succeeded")), DISPUTE];

  /** Posts the four events in one order, each `times` times, and shows all that is promised. */
  async function play(order: Step[], times: number): Promise<void> {
    const payment = newPayment();
    const events = order.map((step) => step(payment));
    const [created, succeeded] = [events[order.indexOf(CREATION)]!, events[order.indexOf(SUCCESS)]!];
    await postAll(events.flatMap((event) => Array.from({ length: times }, () => event)));
    const logged = await untilLogged(payment.id, events.length);
    expect(statusOf(logged)).toBe("disputed");
    expectHistory(logged);
    await expectFollowing(logged, events, payment, succeeded);
    const isLate = events.indexOf(created) > events.indexOf(succeeded);
    expect(logged.filter(({ stale }) => stale).map(({ eventId }) => eventId)).toEqual(isLate ? [created["id"]] : []);
  }

  it.each([
    ["once", 1],
    ["twice", 2],
  ])("each event %s", MANY, async (_, times) => {
    const orders = ordersOf(life);
    expect(orders).toHaveLength(24);
    for (const order of orders) {
      await play(order, times);
    }
  });

  it("and all of it again in another order, after the end: nothing changes, and the API shows it", async () => {
    const payment = newPayment();
    const events = life.map((step) => step(payment));
    await postAll(events);
    const before = await untilLogged(payment.id, 4);
    await postAll(events.toReversed());
    // A last event of the user: what was accepted before it has a lower sequence.
    await postAll([stripeEvent("customer.updated", { id: payment.customer, object: "customer" })]);
    const { data } = await vi.waitUntil(
      async () => {
        const { json } = await call("GET", "/v1/events?limit=5", { key: merchant.key });
        return json.data[0]!["type"] === "unknown" && json;
      },
      { timeout: 10_000 },
    );
    expect(data.map(({ type, user, sequence }) => [type, user, sequence])).toEqual([
      ["unknown", payment.customer, 4],
      ["dispute.opened", payment.customer, 3],
      ["refund.succeeded", payment.customer, 2],
      ["payment.succeeded", payment.customer, 1],
      ["payment.created", null, 1],
    ]);
    expect(await untilLogged(payment.id, 4)).toEqual(before);
    const shown = await call("GET", `/v1/events/${String(data[1]!["id"])}`, { key: merchant.key });
    expect(shown.json["body"]).toMatchObject({
      user: payment.customer,
      sequence: 3,
      data: { payment: { id: payment.id, status: "disputed", version: 4 } },
    });
  });

  it("all four at the same instant", MANY, async () => {
    for (let round = 0; round < 10; round++) {
      const payment = newPayment();
      const events = life.map((step) => step(payment));
      const answers = await Promise.all([...events, ...events].map((event) => postSigned(source, event)));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
      const logged = await untilLogged(payment.id, 4);
      expect(logged).toHaveLength(4);
      expect(new Set(logged.map(({ eventId }) => eventId))).toEqual(new Set(events.map(({ id }) => id)));
      expect(statusOf(logged)).toBe("disputed");
      expectHistory(logged);
    }
  });
});

describe("any life of a payment", () => {
  const ends = new Map<string, string>();

  /** How a life ends that arrives in order, each event once. */
  async function endInOrder(steps: number[]): Promise<string> {
    const name = steps.join();
    const known = ends.get(name);
    if (known !== undefined) {
      return known;
    }
    const payment = newPayment();
    await postAll(steps.map((step) => LIFE[step]!(payment)));
    const end = statusOf(await untilLogged(payment.id, steps.length));
    ends.set(name, end);
    return end;
  }

  const script = fc.subarray([...LIFE.keys()], { minLength: 5, maxLength: 8 }).chain((steps) =>
    fc.record({
      steps: fc.constant(steps),
      arrivals: fc.shuffledSubarray([...steps, ...steps], { minLength: 2 * steps.length }),
    }),
  );

  it("ends as it does in order, however it is shuffled and doubled on the way", MANY, async () => {
    await fc.assert(
      fc.asyncProperty(script, async ({ steps, arrivals }) => {
        const payment = newPayment();
        const events = new Map(steps.map((step) => [step, LIFE[step]!(payment)]));
        await postAll(arrivals.map((step) => events.get(step)!));
        const logged = await untilLogged(payment.id, steps.length);
        expectHistory(logged);
        const order = [...new Set(arrivals)].map((step) => events.get(step)!);
        const naming = order.find(({ data }) => (data as { object: Json }).object["customer"] === payment.customer);
        if (naming) {
          await expectFollowing(logged, order, payment, naming);
        }
        expect(statusOf(logged)).toBe(await endInOrder(steps));
      }),
      { numRuns: 25 },
    );
  });
});
