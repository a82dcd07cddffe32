import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { V, type BackupMessage, type DeliveriesMessage } from "../../src/outbox/contract.ts";
import { isLogRow, parsed, readBackup, readItems } from "../../src/outbox/reading.ts";
import { deliveryRow, eventRecord } from "../api/support.ts";
import { acceptEvent } from "../support/builders.ts";

const record = eventRecord("mer_1", "evt_1", 1);
const dispatch = {
  delivery: "dlv_1",
  destination: "ep_1",
  counter: 1,
  startBy: 2,
  attempts: 0,
  previous: null,
  trigger: "scheduled" as const,
};
const planned = { delivery: "dlv_1", destination: "ep_1", previous: null, waitsFor: null, skipped: null };
const item = { v: V, record, planned: [planned], ready: [dispatch] };
const message: DeliveriesMessage = { v: V, items: [item] };

const backup = async (): Promise<BackupMessage[]> => [
  { v: V, kind: "log", rows: [{ event: record }, { delivery: deliveryRow("mer_1", "evt_1", "ep_1", 1) }] },
  {
    v: V,
    kind: "settle",
    key: "u/1",
    settles: [{ event: "evt_1", delivery: "dlv_1", counter: 1, outcome: { kind: "delivered" } }],
  },
  { v: V, kind: "enrich", source: "src_1", receivedAt: 1, url: "https://paybell.test/", headers: [], body: "" },
  { v: V, kind: "accept", event: await acceptEvent({ merchant: "mer_1" }) },
];

describe("a message of the deliveries queue", () => {
  it("is read as it was sent", () => {
    expect(readItems(message)).toEqual({ items: [item], isWhole: true });
  });

  it("of another release has nothing to be read", () => {
    expect(readItems({ ...message, v: 2 })).toEqual({ items: [], isWhole: false });
  });

  it("loses the items that are broken, and keeps the others", () => {
    const broken = [
      null,
      {},
      { ...item, v: 2 },
      { ...item, record: { ...record, merchant: undefined } },
      { ...item, ready: [{}] },
    ];
    expect(readItems({ v: V, items: [...broken, item] })).toEqual({ items: [item], isWhole: false });
  });
});

describe("a message of the backup queue", () => {
  it("is read as it was sent, of every kind", async () => {
    for (const one of await backup()) {
      expect(readBackup(JSON.parse(JSON.stringify(one)))).toEqual(one);
    }
  });

  it("is not read where a field is missing, of any kind", async () => {
    for (const one of await backup()) {
      for (const name of Object.keys(one)) {
        expect(readBackup({ ...one, [name]: undefined })).toBeNull();
      }
      expect(readBackup({ ...one, v: 2 })).toBeNull();
    }
  });
});

describe("whatever comes", () => {
  it("is judged without a throw", () => {
    const shaped = fc.record({
      v: fc.constant(V),
      kind: fc.constantFrom("log", "settle", "toString"),
      items: fc.anything(),
    });
    fc.assert(
      fc.property(fc.oneof(fc.anything(), shaped), (body) => {
        expect(readItems(body).items).toEqual([]);
        expect(readBackup(body)).toBeNull();
        expect(isLogRow(body)).toBe(false);
      }),
    );
  });

  it("is no JSON, or what the JSON says", () => {
    expect(parsed("{")).toBeUndefined();
    expect(parsed('{"a":1}')).toEqual({ a: 1 });
  });
});
