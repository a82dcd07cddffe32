import { describe, expect, it } from "vitest";

import type { PaymentEvent } from "../../src/event/event.ts";
import { identify } from "../../src/ingest/identity.ts";

const scope = { merchant: "mer_1", source: "src_1" };
const of = (user: string | null, payment?: string): Pick<PaymentEvent, "user" | "data"> => ({
  user,
  data: payment === undefined ? {} : { payment: { id: payment } },
});
const ADA = of("ada");
const AT = Date.parse("2026-11-23T12:00:00Z");

describe("identify", () => {
  it("derives the same key from the same names at any time, and an id that sorts by receipt", async () => {
    const first = await identify(scope, ["evt_1", "0"], ADA, {}, AT);
    const again = await identify(scope, ["evt_1", "0"], ADA, {}, AT + 1);
    expect(again.dedupeKey).toBe(first.dedupeKey);
    expect(again.id > first.id).toBe(true);
    expect(first.id).toMatch(/^evt_[0-9a-z]{26}$/);
  });

  it("keeps merchants, sources, ids and places in a request apart", async () => {
    const keys = await Promise.all([
      identify(scope, ["evt_1", "0"], ADA, {}, AT),
      identify(scope, ["evt_1", "1"], ADA, {}, AT),
      identify(scope, ["evt_10"], ADA, {}, AT),
      identify({ ...scope, source: "src_2" }, ["evt_1", "0"], ADA, {}, AT),
      identify({ ...scope, merchant: "mer_2" }, ["evt_1", "0"], ADA, {}, AT),
      identify({ merchant: "mer_1,src", source: "1" }, ["evt_1", "0"], ADA, {}, AT),
    ]);
    expect(new Set(keys.map(({ dedupeKey }) => dedupeKey)).size).toBe(keys.length);
  });

  it("gives events of two ordering keys two ids, for one name at one time, and the key by which each knows it", async () => {
    const events = [ADA, of("bob"), of(null, "pi_1"), of(null, "pi_2"), of(null)];
    const identities = await Promise.all(events.map((event) => identify(scope, ["evt_1"], event, {}, AT)));
    expect(new Set(identities.map(({ id }) => id)).size).toBe(events.length);
    expect(new Set(identities.map(({ dedupeKey }) => dedupeKey)).size).toBe(1);
    expect(await identify(scope, ["evt_1"], of("ada", "pi_1"), {}, AT)).toEqual(identities[0]);
  });

  it("tells inputs apart by their content, not by the order of their keys", async () => {
    const hash = async (input: unknown) => (await identify(scope, ["evt_1"], ADA, input, AT)).inputHash;
    expect(await hash({ a: 1, b: { c: [1, 2], d: null } })).toBe(await hash({ b: { d: null, c: [1, 2] }, a: 1 }));
    expect(await hash({ a: [1, 2] })).not.toBe(await hash({ a: [2, 1] }));
    expect(await hash({ a: "1" })).not.toBe(await hash({ a: 1 }));
  });
});
