import { describe, expect, it } from "vitest";

import { withoutPersonal } from "../../src/platform/redact.ts";

describe("a text that somebody else has written", () => {
  it.each([
    ["no user ada@customers.example here", "no user [address] here"],
    ['{"email":"ada.b+c@customers.example","ok":false}', '{"email":"[address]","ok":false}'],
    ["call +1 (202) 555-0143 now", "call [number] now"],
    ["card 4242 4242 4242 4242 declined", "card [card] declined"],
    ["card 4000056655665556", "card [card]"],
  ])("loses what names a person or a card: %s", (text, kept) => {
    expect(withoutPersonal(text)).toBe(kept);
  });

  it.each([
    "out of order",
    "order 12345678 at 2026-11-23T12:00:00Z took 1500 ms",
    "1234567890123456",
    "evt_01m86j33rmjtc2zgbbbnfamzvy",
    "x".repeat(4096),
    "café 🔔",
  ])("is kept as it is else: %s", (text) => {
    expect(withoutPersonal(text)).toBe(text);
  });
});
