import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parsePhone } from "../../src/channels/phone.ts";

describe("a phone number", () => {
  it.each([
    ["+4915112345678", "+4915112345678"],
    ["+49 151 12345678", "+4915112345678"],
    ["+1 (202) 555-0143", "+12025550143"],
    ["  +86 138 0013 8000", "+8613800138000"],
  ])("is read in its international form: %s", (text, e164) => {
    expect(parsePhone(text)).toBe(e164);
  });

  it.each([
    ["without its country", "0151 12345678"],
    ["too short", "+49 151"],
    ["too long", "+49 151 123456789012345"],
    ["of no country", "+999 12345678"],
    ["with an extension", "+1 202 555 0143 ext. 5"],
    ["in a sentence", "Call +12025550143 now"],
    ["two at once", "+12025550143, +12025550178"],
    ["nothing", ""],
    ["longer than anybody writes one", `+1202555${" ".repeat(40)}0143`],
  ])("is refused: %s", (_, text) => {
    expect(parsePhone(text)).toBeNull();
  });

  it("comes out in E.164 or not at all, whatever goes in, and stays what it is", () => {
    const digits = fc.string({ unit: fc.constantFrom(...Array.from("+0123456789 ()-.")), maxLength: 20 });
    fc.assert(
      fc.property(fc.oneof(fc.string(), digits), (text) => {
        const phone = parsePhone(text);
        if (phone === null) return;
        expect(phone).toMatch(/^\+[1-9]\d{6,14}$/);
        expect(parsePhone(phone)).toBe(phone);
      }),
      { numRuns: 2000 },
    );
  });
});
