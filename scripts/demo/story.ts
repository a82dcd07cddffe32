// The demonstration: real-shaped Stripe events go through Paybell to a merchant's server, and what comes out is
// compared with what Paybell promises.

import { setTimeout as wait } from "node:timers/promises";

import { startPhoneNetwork } from "./phone-network.ts";
import { areEmailed, areTexted, type Notice } from "./people.ts";
import { isInOrder, isRetried, isStale } from "./proofs.ts";
import { CLAIMS, type Claim, type Sabotage } from "./sabotage.ts";
import { startReceiver, type Received, type ReceivedEvent } from "./receiver.ts";
import { openShop, QUICK_RETRIES_SECONDS, type Shop } from "./shop.ts";
import { postAsStripe, stripeEvent, stripeId, stripeSecret, type DemoPayment, type StripeEvent } from "./stripe.ts";

/** How long the demonstration waits for webhooks that should come, and for the log to show them. */
const PATIENCE_MS = 20_000;
const LOG_POLL_MS = 100;
const DAY_MS = 86_400_000;
/** The shop has accounts for email and for texts. */
const CHANNELS = 2;
const [ADAS_PHONE, BOBS_PHONE] = ["+12025550143", "+12025550178"];

type Claims = Record<Claim, boolean>;

/** A demonstration that has been played. Its servers stay up until it is closed. */
export interface Demonstration {
  claims: Claims;
  shop: Shop;
  /** Ends the merchant's server and the phone network. */
  close: () => Promise<void>;
}

/**
 * Plays the demonstration on the Worker at `url`. `say` is told each step for people to read; `sabotage` makes one
 * claim fail; `isKept`: the shop is the same at every demonstration; `emails`: the folder below which the Worker writes
 * those it sends. Throws where Paybell does not answer at all.
 */
export async function demonstrate(options: {
  url: string;
  adminToken: string;
  sabotage: Sabotage | null;
  isKept: boolean;
  emails: string;
  say: (line: string) => void;
}): Promise<Demonstration> {
  const { url, adminToken, sabotage, isKept, emails, say } = options;
  const script = writeScript(sabotage);
  const posted = Promise.withResolvers<void>();
  let failures = 0;
  const receiver = await startReceiver(
    async ({ path, event }) => {
      const isTroubled = path === "/flaky" && event.data.provider?.eventId === script.troubled.id;
      if (!isTroubled) return 204;
      // Everything else is there before this one fails, so that the events behind it must wait for it.
      await posted.promise;
      failures += 1;
      return sabotage === "always-failing-receiver" || failures <= QUICK_RETRIES_SECONDS.length ? 500 : 204;
    },
    (webhook) => say(lineOf(webhook)),
  );
  const phones = await startPhoneNetwork(({ to, text }) => say(`  ← text to ${to}: ${text}`));
  const shop = await openShop({ url, adminToken, receiverUrl: receiver.url, phones, sabotage, isKept });
  const [ada, bob] = script.customers;
  await shop.putUser(ada, {
    ...(sabotage !== "customer-without-email" && { email: "ada@customers.example" }),
    phone: ADAS_PHONE,
    phoneVerified: sabotage !== "unverified-phone",
  });
  await shop.putUser(bob, { phone: BOBS_PHONE });
  receiver.secrets.set("/steady", sabotage === "wrong-verifying-secret" ? shop.flaky.secret : shop.steady.secret);
  receiver.secrets.set("/flaky", sabotage === "wrong-verifying-secret" ? shop.steady.secret : shop.flaky.secret);

  const post = async (event: StripeEvent, note = "", secret = shop.source.secret): Promise<boolean> => {
    const status = await postAsStripe(shop.source.ingestUrl, secret, event);
    say(`  → ${event.type} of ${event.payment.order}${note}: ${status}`);
    return status >= 200 && status < 300;
  };

  say("Stripe posts events of two customers:");
  const accepted: StripeEvent[] = [];
  for (const event of script.events) {
    const isUnsigned = sabotage === "wrong-signing-secret" && event === script.events[1];
    if (await post(event, "", isUnsigned ? stripeSecret() : shop.source.secret)) accepted.push(event);
  }
  const isForgeryAccepted = await post(script.forged, ", signed by a stranger", stripeSecret());
  posted.resolve();

  const arrived = (path: string, id: string) =>
    receiver.received.filter((webhook) => webhook.path === path && webhook.event.data.provider?.eventId === id);
  const isSettled = (path: string, { id }: StripeEvent) => {
    const webhooks = arrived(path, id);
    return webhooks.some(({ status }) => status < 300) || webhooks.length > QUICK_RETRIES_SECONDS.length;
  };
  const bothGot = (events: StripeEvent[]) => () =>
    events.every((event) => isSettled("/steady", event) && isSettled("/flaky", event));
  await receiver.until(bothGot(accepted), PATIENCE_MS);

  say("\nOne comes a second time, one comes late, and then another one, behind which neither can still be under way:");
  const isRepeatTaken = await post(script.repeated, ", again");
  const isLateTaken = await post(script.late, ", from before it succeeded");
  const isLastTaken = await post(script.last);
  await receiver.until(bothGot([script.last]), PATIENCE_MS);

  const { received } = receiver;
  const inOrder = (path: string, customer: string, events: StripeEvent[]) =>
    isInOrder(
      received.filter((webhook) => webhook.path === path && webhook.event.user === customer),
      events.filter(({ payment }) => payment.customer === customer).map(({ id }) => id),
    );
  const lanes = script.customers.flatMap((customer) => ["/steady", "/flaky"].map((path) => ({ customer, path })));
  const news = accepted.filter(
    ({ type, payment }) => payment.customer === ada && /\.(succeeded|payment_failed)$/.test(type),
  );
  const notices = await settledNotices(shop, ada, news.length * CHANNELS);
  const told = news.filter(({ type }) => type.endsWith(".succeeded"));
  const distinct = new Set([...accepted, script.late, script.last].map(({ id }) => id)).size;
  const claims: Claims = {
    accepted: accepted.length === script.events.length && !isForgeryAccepted,
    ordered: lanes.every(({ path, customer }) => inOrder(path, customer, accepted)),
    signed: received.length > 0 && received.every(({ isSignatureGood }) => isSignatureGood),
    retried: isRetried(arrived("/flaky", script.troubled.id)),
    duplicate:
      isRepeatTaken &&
      (await countLogged(shop, received, script.customers)) === distinct &&
      arrived("/steady", script.original.id).length === 1,
    stale:
      isLateTaken &&
      isLastTaken &&
      isStale(arrived("/steady", script.late.id), arrived("/steady", script.original.id)) &&
      arrived("/flaky", script.late.id).length === 0,
    email: areEmailed(notices, told, emails, say),
    sms:
      areTexted(
        notices,
        told,
        phones.messages.filter(({ to }) => to === ADAS_PHONE),
      ) && phones.messages.every(({ to }) => to === ADAS_PHONE),
    metrics: await areMetricsRight(shop, received, sabotage === "metrics-of-yesterday" ? DAY_MS : 0, say),
  };
  say("");
  for (const claim of CLAIMS) say(`  ${claims[claim] ? "✓" : "✗"} ${claim.padEnd(10)} ${MEANINGS[claim]}`);
  const close = async () => {
    await Promise.all([receiver.close(), phones.close()]);
  };
  return { claims, shop, close };
}

const MEANINGS: Record<Claim, string> = {
  accepted: "every event that Stripe signed was taken in, the stranger's was not",
  ordered: "each customer's events arrived in sequence, none missing, also behind the one that failed",
  signed: "every webhook was verified by the official standardwebhooks package",
  retried: "the endpoint that failed twice got the same webhook a third time",
  duplicate: "the event that came twice was delivered once",
  stale: "the late event was recognized: the payment stays succeeded",
  email: "the customer got one email about each payment that succeeded",
  sms: "the customer got one text as well; nobody whose phone is not verified did",
  metrics: "ADT and DSR agree with what the merchant's server has counted",
};

function writeScript(sabotage: Sabotage | null) {
  const [ada, bob] = [stripeId("cus"), stripeId("cus")];
  const payment = (customer: string, order: string, amount: number): DemoPayment => ({
    id: stripeId("pi"),
    customer,
    order,
    amount,
  });
  const [first, second, third, fourth, fifth] = [
    payment(ada, "ada-1", 1999),
    payment(ada, "ada-2", 4900),
    payment(bob, "bob-1", 500),
    payment(ada, "ada-3", 1250),
    payment(ada, "ada-4", 800),
  ] as const;
  const start = Math.floor(Date.now() / 1000) - 60;
  const troubled = stripeEvent("payment_intent.created", first, start);
  const original = stripeEvent("payment_intent.succeeded", first, start + 4);
  const events = [
    troubled,
    stripeEvent("payment_intent.created", third, start + 1),
    original,
    stripeEvent("payment_intent.created", second, start + 5),
    stripeEvent("payment_intent.payment_failed", second, start + 6),
    stripeEvent("payment_intent.succeeded", third, start + 7),
    stripeEvent("payment_intent.succeeded", second, start + 8),
  ];
  const id = sabotage === "fresh-event-id" ? stripeId("evt") : original.id;
  const delayed = sabotage === "late-for-another-payment" ? fourth : first;
  return {
    customers: [ada, bob] as const,
    events,
    /** The one that the flaky endpoint fails on. */
    troubled,
    original,
    forged: stripeEvent("payment_intent.succeeded", second, start + 5),
    repeated: stripeEvent("payment_intent.succeeded", first, start + 4, id),
    late: stripeEvent("payment_intent.processing", delayed, start + 2),
    last: stripeEvent("payment_intent.created", fifth, start + 9),
  };
}

/** How many events of the customers the log shows, once it shows all that were received: it runs a little behind. */
async function countLogged(shop: Shop, received: Received[], customers: readonly string[]): Promise<number> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const { data } = await shop.get<{ data: { id: string; user: string }[] }>("/v1/events?limit=100");
    const logged = new Set(data.filter(({ user }) => customers.includes(user)).map(({ id }) => id));
    if (received.every(({ id }) => logged.has(id)) || Date.now() > deadline) return logged.size;
    await wait(LOG_POLL_MS);
  }
}

/** What became of the messages to a customer, once so many are there and nothing waits any more. */
async function settledNotices(shop: Shop, customer: string, count: number): Promise<Notice[]> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const { data } = await shop.get<{ data: Notice[] }>(`/v1/deliveries?user=${customer}&limit=100`);
    const notices = data.filter(({ channel }) => channel !== "webhook");
    const isOver =
      notices.length >= count && notices.every(({ status }) => status !== "pending" && status !== "retrying");
    if (isOver || Date.now() > deadline) return notices;
    await wait(LOG_POLL_MS);
  }
}

/** Asks for the metrics until they agree with what the server has counted, for as long as patience lasts. */
async function areMetricsRight(
  shop: Shop,
  received: Received[],
  backMs: number,
  say: (line: string) => void,
): Promise<boolean> {
  const deadline = Date.now() + (backMs > 0 ? 0 : PATIENCE_MS);
  for (;;) {
    const [from, to] = [Date.now() - backMs - DAY_MS / 24, Date.now() - backMs + 1];
    const { groups } = await shop.get<{ groups: Metrics[] }>(`/v1/metrics?from=${iso(from)}&to=${iso(to)}&by=endpoint`);
    const found = (["steady", "flaky"] as const).map((name) => {
      const metrics = groups.find((group) => group.name === shop[name].id);
      return { name, metrics, isRight: isCounted(metrics, webhooksAt(received, `/${name}`)) };
    });
    const isRight = found.every((one) => one.isRight);
    if (isRight || Date.now() > deadline) {
      say("");
      for (const { name, metrics } of found) {
        say(
          `Metrics of /${name}: ${metrics?.delivered} of ${metrics?.finished} webhooks delivered, DSR ${metrics?.dsr?.toFixed(1)} %, ADT ${metrics?.adt?.toFixed(3)} s`,
        );
      }
      return isRight;
    }
    await wait(LOG_POLL_MS);
  }
}

/** How many webhooks came to a path of the server, whatever the attempts, and how many of them it took. */
function webhooksAt(received: Received[], path: string): { finished: number; delivered: number } {
  const here = received.filter((webhook) => webhook.path === path);
  const taken = here.filter(({ status }) => status < 300);
  return { finished: new Set(here.map(({ id }) => id)).size, delivered: new Set(taken.map(({ id }) => id)).size };
}

function isCounted(metrics: Metrics | undefined, { finished, delivered }: ReturnType<typeof webhooksAt>): boolean {
  return (
    metrics !== undefined &&
    metrics.finished === finished &&
    metrics.delivered === delivered &&
    Math.abs((metrics.dsr ?? -1) - (100 * delivered) / finished) < 0.01 &&
    (metrics.adt ?? 0) > 0
  );
}

/** The parts of `GET /v1/metrics` that are compared. */
interface Metrics {
  name: string;
  finished: number;
  delivered: number;
  dsr: number | null;
  adt: number | null;
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

function lineOf({ path, event, attempt, isSignatureGood, status }: Received): string {
  const number = attempt > 1 ? `, attempt ${attempt}` : "";
  const note = `${event.stale ? ", stale" : ""}${isSignatureGood ? "" : ", signature wrong"}`;
  return `  ← ${path} ${event.type} of ${nameOf(event)}, #${event.sequence}${number}${note}: ${status}`;
}

/** What a webhook is about, for people: the shop's own order, if it is named. */
function nameOf({ data, user }: ReceivedEvent): string {
  return data.payment?.reference ?? data.payment?.id ?? user ?? "nobody";
}
