import { describe, expect, it } from "vitest";

import { markOf, open, reseal, seal } from "../../src/platform/secret-box.ts";

const KEY = btoa("0123456789abcdef0123456789abcdef");
const OTHER_KEY = btoa("fedcba9876543210fedcba9876543210");

/** A text with one bit of one character's value changed, so that it stays base64. */
function tamper(base64: string, at: number): string {
  return base64.slice(0, at) + (base64[at] === "A" ? "B" : "A") + base64.slice(at + 1);
}

describe("the secret box", () => {
  it.each(["whsec_x", "", "ünïcødé 🔑", "x".repeat(8192)])("opens what it sealed: %.20s", async (secret) => {
    expect(await open({ ENCRYPTION_KEY: KEY }, "src_1", await seal(KEY, "src_1", secret))).toBe(secret);
  });

  it("seals the same secret differently every time, and shows nothing of it", async () => {
    const [one, two] = await Promise.all([seal(KEY, "src_1", "hunter2hunter2"), seal(KEY, "src_1", "hunter2hunter2")]);
    expect(one).not.toBe(two);
    expect(one).toMatch(/^v1\.[0-9a-z]{8}\.[^.]+\.[^.]+$/);
    expect(one).not.toContain("hunter2");
    expect(one).not.toContain(btoa("hunter2").slice(0, 8));
  });

  it("opens a secret in no other row", async () => {
    await expect(open({ ENCRYPTION_KEY: KEY }, "src_2", await seal(KEY, "src_1", "s"))).rejects.toThrow(
      "Decryption failed",
    );
  });

  it("opens a secret with no other key", async () => {
    await expect(open({ ENCRYPTION_KEY: OTHER_KEY }, "src_1", await seal(KEY, "src_1", "s"))).rejects.toThrow(
      "another key",
    );
  });

  it("refuses a text of which anything was changed", async () => {
    const [version, id, iv, text] = (await seal(KEY, "src_1", "a secret")).split(".") as [
      string,
      string,
      string,
      string,
    ];
    const changed = [
      ...Array.from({ length: iv.length }, (_, at) => [version, id, tamper(iv, at), text]),
      // The last character but the padding holds bits that no byte has.
      ...Array.from({ length: text.replace(/=+$/, "").length - 1 }, (_, at) => [version, id, iv, tamper(text, at)]),
      ["v2", id, iv, text],
      [version, "00000000", iv, text],
      [version, id, iv],
      [version, id, iv, "*"],
      [],
    ].map((parts) => parts.join("."));
    for (const sealed of changed) {
      await expect(open({ ENCRYPTION_KEY: KEY }, "src_1", sealed)).rejects.toThrow(
        /Decryption failed|another key|Ciphertext length/,
      );
    }
  });
});

describe("while the key is replaced, the secret box", () => {
  const BOTH = { ENCRYPTION_KEY: OTHER_KEY, ENCRYPTION_KEY_PREVIOUS: KEY };

  it("opens what either key has sealed", async () => {
    expect(await open(BOTH, "src_1", await seal(KEY, "src_1", "older"))).toBe("older");
    expect(await open(BOTH, "src_1", await seal(OTHER_KEY, "src_1", "newer"))).toBe("newer");
    await expect(open(BOTH, "src_2", await seal(KEY, "src_1", "older"))).rejects.toThrow("Decryption failed");
  });

  it("seals anew what the previous key has sealed, wherever it stands in a text, and nothing else", async () => {
    const [older, newer] = await Promise.all([seal(KEY, "src_1", "a"), seal(OTHER_KEY, "src_1", "b")]);
    const text = JSON.stringify([{ sealed: older, createdAt: 1 }, { sealed: newer }, { sealed: older, note: "v1." }]);
    const again = await reseal(BOTH, "src_1", text);
    expect(again).not.toContain(await markOf(KEY));
    const [first, second, third] = JSON.parse(again) as { sealed: string }[];
    expect(again.replaceAll(first!.sealed, older).replaceAll(third!.sealed, older)).toBe(text);
    expect(second!.sealed).toBe(newer);
    for (const { sealed } of [first!, third!]) {
      expect(await open({ ENCRYPTION_KEY: OTHER_KEY }, "src_1", sealed)).toBe("a");
    }
    expect(await reseal(BOTH, "src_1", again)).toBe(again);
  });
});
