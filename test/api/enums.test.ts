import { describe, expect, it } from "vitest";

import document from "../../docs/openapi.json";
import type { BreakerState } from "../../src/delivery/breaker.ts";
import type { End } from "../../src/delivery/endpoint-end.ts";
import type { REACHED } from "../../src/event/channels.ts";
import type { Payload } from "../../src/event/envelope.ts";
import type { Authenticity } from "../../src/event/event.ts";
import type { Taken } from "../../src/ingest/accept.ts";
import type { Attempt, DeliveryStatus, Quarantined, WaitingFor } from "../../src/outbox/contract.ts";
import type { providers } from "../../src/providers/index.ts";
import type {
  deadLetters,
  endpointHosts,
  endpoints,
  jobs,
  merchants,
  Scope,
  SuppressionReason,
} from "../../src/store/schema.ts";

/** The values of a type, none left out and none more: the compiler sees to it. */
const of = <T extends string>(values: Record<T, true>) => Object.keys(values);

const TYPES: Record<string, string[]> = {
  "Merchant.status": of<(typeof merchants.$inferSelect)["status"]>({ active: true, suspended: true }),
  "ApiKey.scopes": of<Scope>({
    "events:write": true,
    "log:read": true,
    "config:write": true,
    "people:write": true,
    "keys:write": true,
  }),
  "NewApiKey.scopes": of<Scope>({
    "events:write": true,
    "log:read": true,
    "config:write": true,
    "people:write": true,
    "keys:write": true,
  }),
  "Source.minAuthenticity": of<Authenticity>({ signed: true, fetched: true, "signed-weak": true, token: true }),
  "NewSource.provider": of<keyof typeof providers>({
    stripe: true,
    adyen: true,
    "adyen-platform": true,
    paypal: true,
    square: true,
    checkout: true,
    mollie: true,
    razorpay: true,
    alipay: true,
    paystack: true,
    flutterwave: true,
    "flutterwave-v4": true,
    gocardless: true,
    braintree: true,
    paddle: true,
    lemonsqueezy: true,
    shopify: true,
    "coinbase-commerce": true,
    "coinbase-cdp": true,
    wechatpay: true,
    worldpay: true,
    standard: true,
    hmac: true,
  }),
  "EndpointVerification.how": of<NonNullable<(typeof endpointHosts.$inferSelect)["how"]>>({
    file: true,
    challenge: true,
    before: true,
  }),
  "Endpoint.payload": of<Payload>({ full: true, raw: true, thin: true }),
  "Endpoint.ordering": of<(typeof endpoints.$inferSelect)["ordering"]>({ user: true, payment: true, none: true }),
  "Endpoint.compat": of<NonNullable<(typeof endpoints.$inferSelect)["compat"]>>({ svix: true }),
  "Endpoint.signatures": of<(typeof endpoints.$inferSelect)["signatures"]>({ hmac: true, "hmac+ed25519": true }),
  "Endpoint.status": of<(typeof endpoints.$inferSelect)["status"]>({ enabled: true, paused: true, disabled: true }),
  "Endpoint.disabledReason": of<End>({ gone: true, failing: true }),
  "EndpointHealth.breaker": of<BreakerState | "unknown">({ closed: true, open: true, half_open: true, unknown: true }),
  "ChannelAccount.channel": of<(typeof REACHED)[number]>({ email: true, sms: true }),
  "User.emailSuppressed": of<SuppressionReason>({ address_dead: true, opted_out: true }),
  "User.phoneSuppressed": of<SuppressionReason>({ address_dead: true, opted_out: true }),
  "BatchResult.status": of<Taken["status"]>({
    accepted: true,
    duplicate: true,
    conflict: true,
    refused: true,
    unavailable: true,
  }),
  "Delivery.status": of<DeliveryStatus>({
    pending: true,
    retrying: true,
    sent: true,
    delivered: true,
    bounced: true,
    exhausted: true,
    canceled: true,
    skipped: true,
  }),
  "WaitingFor.reason": of<WaitingFor["reason"]>({
    lane: true,
    paused: true,
    disabled: true,
    unverified: true,
    throttled: true,
    breaker: true,
    retry_after: true,
    daily_limit: true,
    backoff: true,
  }),
  "Attempt.trigger": of<Attempt["trigger"]>({ scheduled: true, manual: true }),
  "Job.kind": of<(typeof jobs.$inferSelect)["kind"]>({ recover: true, retry: true }),
  "Job.status": of<(typeof jobs.$inferSelect)["status"]>({ running: true, done: true, canceled: true, failed: true }),
  "DeadLetter.queue": of<(typeof deadLetters.$inferSelect)["queue"]>({ deliveries: true, backup: true }),
  "QuarantinedRequest.reason": of<Quarantined["reason"]>({
    unparseable: true,
    unreadable: true,
    altered: true,
    unconfirmed: true,
  }),
};

/** Of a field of a schema, what its enum offers. */
function offered(name: string): string[] {
  const [schema = "", field = ""] = name.split(".");
  const schemas = document.components.schemas as unknown as Record<string, { properties: Record<string, Field> }>;
  const { enum: values, items } = schemas[schema]!.properties[field]!;
  return (values ?? items!.enum!).filter((value) => value !== null);
}

interface Field {
  enum?: (string | null)[];
  items?: Field;
}

describe("an enum of the API's document offers what its type in src has", () => {
  it.each(Object.entries(TYPES))("%s", (name, values) => {
    expect(offered(name).toSorted()).toEqual(values.toSorted());
  });
});
