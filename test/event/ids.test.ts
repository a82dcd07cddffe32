import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  base32,
  dedupePrefixOf,
  deliveryId,
  eventId,
  idFrom,
  partsOfDelivery,
  randomId,
  timePart,
} from "../../src/event/ids.ts";

const instant = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) });
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(base32);

describe("base32", () => {
  it.each([
    [[], ""],
    [[0], "00"],
    [[0xff], "zw"],
    [[0xff, 0xff, 0xff, 0xff, 0xff], "zzzzzzzz"],
    [[0x00, 0x44, 0x32, 0x14, 0xc7], "01234567"],
  ])("writes %j as %j", (bytes, text) => {
    expect(base32(Uint8Array.from(bytes))).toBe(text);
  });

  it("writes different bytes differently", () => {
    const bytes = fc.uint8Array({ minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(base32(a) === base32(b)).toBe(a.join() === b.join());
      }),
    );
  });
});

describe("randomId", () => {
  it("has its prefix, its time and 80 random bits", () => {
    expect(randomId("ep")).toMatch(/^ep_[0-9a-hjkmnp-tv-z]{26}$/);
    expect(randomId("ep")).not.toBe(randomId("ep"));
  });
});

describe("eventId", () => {
  it("is a time of ten characters, ten of the dedupe key and six of the ordering key's hash", () => {
    expect(eventId(0, "abcdefghjkmnpqrstvwx", "0123456789")).toBe("evt_0000000000abcdefghjk012345");
  });

  it("sorts by the time of receipt", () => {
    fc.assert(
      fc.property(instant, instant, hash, hash, (a, b, x, y) => {
        fc.pre(a < b);
        expect(eventId(a, x, y) < eventId(b, y, x)).toBe(true);
      }),
    );
  });

  it("holds the start of its dedupe key", () => {
    fc.assert(
      fc.property(instant, hash, hash, (at, key, ordering) => {
        expect(dedupePrefixOf(eventId(at, key, ordering))).toBe(key.slice(0, 10));
      }),
    );
  });

  it("is at or after the bound of its time, and before the bound of the next millisecond", () => {
    fc.assert(
      fc.property(instant, hash, hash, (at, key, ordering) => {
        expect(eventId(at, key, ordering) >= idFrom("evt", at)).toBe(true);
        expect(eventId(at, key, ordering) < idFrom("evt", at + 1)).toBe(true);
      }),
    );
  });
});

describe("timePart", () => {
  it("has ten characters for every time until the year 9999", () => {
    fc.assert(
      fc.property(instant, (at) => {
        expect(timePart(at)).toHaveLength(10);
      }),
    );
  });
});

describe("deliveryId", () => {
  it("can be taken apart again", () => {
    fc.assert(
      fc.property(instant, hash, fc.constantFrom("email", "inbox", "ep_0123456789abcdef"), (at, key, destination) => {
        const event = eventId(at, key, key);
        expect(partsOfDelivery(deliveryId(event, destination))).toEqual({ event, destination });
      }),
    );
  });

  it.each(["", "dlv_", "evt_0000000000abcdefghjkmnpqrs", "dlv_0000000000abcdefghjkmnpqrs_", "dlv_short_email"])(
    "is not %j",
    (text) => {
      expect(partsOfDelivery(text)).toBeNull();
    },
  );
});
