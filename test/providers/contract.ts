import type { ProviderEvent } from "../../src/event/event.ts";
import { decimalOf, type Money } from "../../src/event/money.ts";
import type { SignedRequest } from "../../src/providers/provider.ts";
import type { ProviderSamples, Sample } from "../../scripts/samples/sample.ts";

/** Epoch seconds at which the requests of the contract are made. */
export const NOW = 1_796_000_000;
const URL = "https://paybell.example/ingest/src_1";

/** A request for an event, as its provider would post it. */
export function signed(
  provider: ProviderSamples,
  event: unknown,
  { signingKey, now = NOW }: { signingKey: string; now?: number },
): Promise<SignedRequest> {
  return provider.sign(event, { signingKey, now, url: URL });
}

/** A sample as it would be now. */
export function eventOf(sample: Sample, id = "4k7"): unknown {
  return sample.make(id, NOW * 1000);
}

/** The request with one bit of its body changed. */
export function flipped(request: SignedRequest, index: number): SignedRequest {
  const body = request.body.slice();
  body[index]! ^= 1;
  return { ...request, body };
}

/** The request with another value of a header; null takes it away. */
export function withHeader(request: SignedRequest, name: string, value: string | null): SignedRequest {
  const headers = new Headers(request.headers);
  if (value === null) headers.delete(name);
  else headers.set(name, value);
  return { ...request, headers };
}

/** A value with every leaf replaced by what `leaf` makes of it. */
export function mapLeaves(value: unknown, leaf: (value: unknown, key: string) => unknown, key = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => mapLeaves(item, leaf, key));
  if (typeof value !== "object" || value === null) return leaf(value, key);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, mapLeaves(inner, leaf, name)]));
}

/** The amount that an event is about, as people write it; undefined where it says none. */
export function amountOf({ data }: ProviderEvent): string | undefined {
  const about = data.refund ?? data.dispute ?? data.payout ?? data.payment;
  return about?.amount && `${decimalOf(about.amount)} ${about.amount.currency}`;
}

/** Every amount that an event names. */
export function moneyOf({ data }: ProviderEvent): Money[] {
  const { payment, refund, dispute, payout, account } = data;
  const all = [payment, refund, dispute, payout].flatMap((one) => one?.amount ?? []);
  return [
    ...all,
    ...(payment?.refunded ? [payment.refunded] : []),
    ...(account?.available ?? []),
    ...(account?.pending ?? []),
  ];
}

/** The digits that make a number what it is, whatever unit it is written in: those of 0.50 are 5. Null: no number. */
export function digitsOf(amount: unknown): string | null {
  const text = typeof amount === "number" && Number.isFinite(amount) ? written(amount) : String(amount);
  const [, digits, decimals = ""] = /^-?(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  return digits === undefined ? null : (digits + decimals).replace(/^0+/, "").replace(/0+$/, "");
}

/** A number with all its digits. */
function written(number: number): string {
  return Number.isInteger(number) ? String(BigInt(number)) : String(number);
}
