import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  ask,
  giveBack,
  NEW_GATE,
  nextLook,
  releases,
  shut,
  standing,
  tell,
  tellSlow,
  type GateState,
  type Told,
} from "../../src/delivery/gate-state.ts";

const NOW = Date.UTC(2026, 10, 24);
const HOUR_MS = 3_600_000;

function told(changes: Partial<Told> = {}): Told {
  return { event: "evt_1", class: "delivered", status: 204, retryAfterMs: null, durationMs: 10, at: NOW, ...changes };
}

const after = (...all: Partial<Told>[]): GateState =>
  all.reduce<GateState>((state, one) => tell(state, told(one)).state, NEW_GATE);
const asked = (state: GateState, changes: { underWay?: number; perSecond?: number | null; now?: number } = {}) =>
  ask(state, { underWay: 0, perSecond: null, now: NOW, ...changes });

const SLOW = [{ durationMs: 3000 }, { durationMs: 3000 }, { durationMs: 3000 }];

describe("a pause that the endpoint asks for", () => {
  const paused = after({ class: "throttled", status: 429, retryAfterMs: 2 * HOUR_MS });

  it("holds everything for at most an hour, with a probe every five minutes", () => {
    expect(asked(paused, { now: NOW + 1 }).verdict).toMatchObject({ go: false, waitingFor: { reason: "retry_after" } });
    let state = paused;
    const probes: number[] = [];
    for (let now = NOW; now < NOW + HOUR_MS; now += 1000) {
      const { verdict, state: next } = asked(state, { now });
      if (verdict.go) probes.push((now - NOW) / 60_000);
      state = next;
    }
    expect(probes).toEqual([5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55]);
    expect(asked(state, { now: NOW + HOUR_MS }).verdict).toMatchObject({ go: true });
  });

  it("lets one of those who wait go for each probe, and nobody in between", () => {
    const probeAt = NOW + 300_000;
    expect([releases(paused, { underWay: 0, called: 0 }, probeAt - 1), nextLook(paused, 0, probeAt - 1)]).toEqual([
      0,
      probeAt,
    ]);
    expect([releases(paused, { underWay: 0, called: 0 }, probeAt), nextLook(paused, 0, probeAt)]).toEqual([1, probeAt]);
    const { state } = asked(paused, { now: probeAt });
    expect([releases(state, { underWay: 1, called: 0 }, probeAt), nextLook(state, 1, probeAt)]).toEqual([
      0,
      probeAt + 300_000,
    ]);
  });

  it("is probed by the next one where a probe was not made", () => {
    const probeAt = NOW + 300_000;
    const { state } = asked(paused, { now: probeAt });
    expect(asked(state, { now: probeAt + 1 }).verdict.go).toBe(false);
    expect(asked(giveBack(state, probeAt), { now: probeAt + 1 }).verdict.go).toBe(true);
    expect(asked(giveBack(state, probeAt - 1), { now: probeAt + 1 }).verdict.go).toBe(false);
  });

  it("ends with the first success, and what waits is let go", () => {
    const { state, isBack } = tell(paused, told({ at: NOW + 1000 }));
    expect(isBack).toBe(true);
    expect(state).toMatchObject({ pause: null, isDraining: true });
    expect(asked(state, { now: NOW + 1001 }).verdict.go).toBe(true);
  });

  it("does not count for the breaker", () => {
    const all = Array.from({ length: 20 }, () => ({ class: "throttled" as const, retryAfterMs: 1000 }));
    expect(standing(after(...all), NOW + 2000).breaker).toBe("closed");
  });
});

describe("how many are asked at once", () => {
  it.each([
    ["well: as many as there are", NEW_GATE, 1000, true],
    ["failing, with an answer: as many as there are", after({ class: "http", status: 500 }), 1000, true],
    ["hanging: two", after({ class: "timeout", status: null }), 1, true],
    ["hanging: no third", after({ class: "timeout", status: null }), 2, false],
    ["slow, but answering: ten", after(...SLOW), 9, true],
    ["slow, but answering: no eleventh", after(...SLOW), 10, false],
    ["slow once in a while: as many as there are", after({}, {}, {}, ...SLOW.slice(1)), 1000, true],
    ["taking long right now: no third", tellSlow(NEW_GATE, NOW), 2, false],
    ["no more, since another was answered", tell(tellSlow(NEW_GATE, NOW), told({ at: NOW + 1 })).state, 1000, true],
  ])("of an endpoint that is %s", (_, state, underWay, go) => {
    const { verdict } = asked(state, { underWay, now: NOW + 1 });
    expect(verdict.go).toBe(go);
    if (!verdict.go) expect(verdict).toMatchObject({ isParked: true, waitingFor: { reason: "throttled" } });
  });
});

describe("what waits", () => {
  it("is let go ten a second once the endpoint is back, whatever its limit", () => {
    let state: GateState = { ...NEW_GATE, isDraining: true };
    const starts: number[] = [];
    for (let n = 0; n < 30; n++) {
      const { verdict, state: next } = asked(state);
      if (verdict.go) starts.push(verdict.startAt - NOW);
      state = next;
    }
    expect(starts).toEqual(Array.from({ length: 11 }, (_, n) => n * 100));
    expect(nextLook(state, 0, NOW)).toBe(NOW + 1000);
  });

  it("is let go the faster the longer the endpoint succeeds, and at half the pace after a failure", () => {
    const paceAfter = (changes: Partial<Told>[]) =>
      changes.reduce<GateState>((state, one) => tell(state, told(one)).state, { ...NEW_GATE, isDraining: true }).pace;
    const [tenth, hundredth] = [10, 100].map((count) => paceAfter(Array.from({ length: count }, () => ({}))));
    expect(tenth).toBeGreaterThan(15);
    expect(hundredth).toBeGreaterThan(2 * tenth!);
    const failed = [...Array.from({ length: 100 }, () => ({})), { class: "http" as const, status: 500 }];
    expect(paceAfter(failed)).toBe(hundredth! / 2);
    expect(paceAfter([{ class: "http", status: 500 }])).toBe(10);
  });

  it("is called a little ahead of its turn, and not again before it has asked", () => {
    const draining = { ...NEW_GATE, isDraining: true };
    const called = (count: number) => releases(draining, { underWay: 0, called: count }, NOW);
    expect([called(0), called(3), called(5)]).toEqual([5, 2, 0]);
    const busy = { ...draining, pace: 100 };
    expect(releases(busy, { underWay: 30, called: 15 }, NOW)).toBe(5);
  });

  it("is probed one at a time while the breaker is open", () => {
    const open = after(...Array.from({ length: 3 }, () => ({ class: "timeout" as const, status: null })));
    const probeAt = NOW + 5_000;
    expect([releases(open, { underWay: 0, called: 0 }, NOW), nextLook(open, 0, NOW)]).toEqual([0, probeAt]);
    expect([releases(open, { underWay: 0, called: 0 }, probeAt), nextLook(open, 0, probeAt)]).toEqual([1, probeAt]);
    const { state } = asked(open, { now: probeAt });
    expect([releases(state, { underWay: 1, called: 0 }, probeAt), nextLook(state, 1, probeAt)]).toEqual([
      0,
      probeAt + 60_000,
    ]);
  });

  it("is let go only as far as there is room", () => {
    const hanging = { ...tellSlow(NEW_GATE, NOW), isDraining: true };
    expect([releases(hanging, { underWay: 1, called: 0 }, NOW), nextLook(hanging, 1, NOW)]).toEqual([1, NOW + 1000]);
    expect([releases(hanging, { underWay: 2, called: 0 }, NOW), nextLook(hanging, 2, NOW)]).toEqual([0, NOW + 40_000]);
  });

  it("for an endpoint that is paused or disabled is not looked at before somebody asks", () => {
    const closed = shut(NEW_GATE);
    expect([releases(closed, { underWay: 0, called: 0 }, NOW), nextLook(closed, 0, NOW)]).toEqual([0, Infinity]);
    const { state } = asked(closed);
    expect([releases(state, { underWay: 0, called: 0 }, NOW), nextLook(state, 0, NOW)]).toEqual([5, NOW]);
  });
});

describe("being well", () => {
  it("is not said of an endpoint while what waits for it is let go, however long ago it failed", () => {
    const draining: GateState = { ...NEW_GATE, isDraining: true };
    expect(tell(draining, told()).isWell).toBe(false);
    expect(tell({ ...draining, isDraining: false }, told()).isWell).toBe(true);
    const failed = after({ class: "throttled", status: 503, retryAfterMs: 1000 });
    expect(tell(failed, told({ at: NOW + 300_000 }))).toMatchObject({ isBack: true, isWell: false });
  });

  it("takes five minutes without a failure or a slow answer", () => {
    const failed = after({ class: "http" });
    expect(tell(failed, told({ at: NOW + 299_999 })).isWell).toBe(false);
    expect(tell(failed, told({ at: NOW + 300_000 })).isWell).toBe(true);
    expect(tell(failed, told({ at: NOW + 300_000, durationMs: 2001 })).isWell).toBe(false);
  });
});

describe("a gate", () => {
  it("never leaves an endpoint alone for over an hour, asks one that hangs twice at most, and never looks in vain", () => {
    const step = fc.record({
      after: fc.integer({ min: 0, max: 10 * 60_000 }),
      class: fc.constantFrom("ask", "delivered", "http", "timeout", "connection", "throttled", "gone"),
      retryAfterMs: fc.option(fc.integer({ min: 1, max: 24 * HOUR_MS }), { nil: null }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let state = NEW_GATE;
        let now = NOW;
        let underWay = 0;
        for (const one of steps) {
          now += one.after;
          if (one.class === "ask") {
            const { verdict, state: next } = ask(state, { underWay, perSecond: null, now });
            if (verdict.go) underWay += 1;
            else expect(verdict.waitingFor.until - now).toBeLessThanOrEqual(HOUR_MS);
            if (state.breaker.hanging > 0) expect(underWay).toBeLessThanOrEqual(2);
            state = next;
          } else {
            underWay = 0;
            ({ state } = tell(state, told({ ...one, class: one.class as Told["class"], at: now, status: 500 })));
          }
          const look = nextLook(state, underWay, now);
          expect(look - now).toBeLessThanOrEqual(HOUR_MS);
          if (look <= now) expect(releases(state, { underWay: underWay, called: 0 }, now)).toBeGreaterThan(0);
        }
      }),
      { numRuns: 500 },
    );
  });
});
