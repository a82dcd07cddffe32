import { describe, expect, it, vi } from "vitest";

import { Slots } from "../../src/delivery/slots.ts";

const PATIENCE_MS = 200;

/** Starts so much work, each of a merchant of its own, that ends when it is told to; `begun`: how much of it has begun. */
function hang(slots: Slots, count: number, isDoubtful: boolean, merchant?: string) {
  const ends: (() => void)[] = [];
  const work = async () => new Promise<boolean>((resolve) => ends.push(() => resolve(true)));
  const results = Array.from({ length: count }, (_, n) =>
    slots.run(work, { merchant: merchant ?? `m_${n}`, isDoubtful }, PATIENCE_MS),
  );
  const begun = () => ends.length;
  const endOne = () => ends[0]!();
  return { begun, endOne, results };
}

describe("the slots of an invocation", () => {
  it("are five, and who finds none within its patience is told so", async () => {
    const { begun, results } = hang(new Slots(), 6, false);
    expect(await results[5]).toBeNull();
    expect(begun()).toBe(5);
  });

  it("are never all taken by what is doubtful, however much of it there is", async () => {
    const slots = new Slots();
    const { begun } = hang(slots, 30, true);
    expect(await slots.run(async () => true, { merchant: "m_other", isDoubtful: false }, PATIENCE_MS)).toBe(true);
    expect(begun()).toBe(3);
  });

  it("are never all taken by one merchant, however well it was so far", async () => {
    const slots = new Slots();
    const { begun } = hang(slots, 30, false, "m_1");
    expect(await slots.run(async () => true, { merchant: "m_2", isDoubtful: false }, PATIENCE_MS)).toBe(true);
    expect(begun()).toBe(4);
  });

  it("go to the first that waits and may have them", async () => {
    const slots = new Slots();
    const doubtful = hang(slots, 4, true);
    const others = hang(slots, 3, false);
    await vi.waitUntil(() => others.begun() === 2, { timeout: 10_000, interval: 1 });
    others.endOne();
    await vi.waitUntil(() => others.begun() === 3, { timeout: 10_000, interval: 1 });
    expect(doubtful.begun()).toBe(3);
    doubtful.endOne();
    await vi.waitUntil(() => doubtful.begun() === 4, { timeout: 10_000, interval: 1 });
  });
});
