import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";

import { countEmail, emailsToday, nextDay, uncountEmail } from "../../src/store/email-counts.ts";

const NOON = Date.UTC(2026, 10, 27, 12);
const DAY_MS = 86_400_000;

describe("the count of a merchant's emails", () => {
  it("is exact, however many ask at once, and begins anew each day", async () => {
    const ask = (now: number) => countEmail(env.DB, "mer_1", 3, now);
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(NOON)));
    expect(answers.filter(Boolean)).toHaveLength(3);
    expect(await countEmail(env.DB, "mer_2", 3, NOON)).toBe(true);
    expect(await emailsToday(env.DB, "mer_1", NOON)).toBe(3);
    expect(await ask(nextDay(NOON) - 1)).toBe(false);
    expect(await ask(nextDay(NOON))).toBe(true);
    // A clock that is behind gives nobody a second day.
    expect([await ask(NOON), await ask(NOON), await ask(NOON)]).toEqual([true, true, false]);
    expect(await emailsToday(env.DB, "mer_1", NOON + DAY_MS)).toBe(3);
  });

  it("is one less for one that was taken back, and never below none", async () => {
    await countEmail(env.DB, "mer_5", 3, NOON);
    await uncountEmail(env.DB, "mer_5", NOON - DAY_MS);
    expect(await emailsToday(env.DB, "mer_5", NOON)).toBe(1);
    await uncountEmail(env.DB, "mer_5", NOON + 1);
    await uncountEmail(env.DB, "mer_5", NOON + 1);
    expect(await emailsToday(env.DB, "mer_5", NOON)).toBe(0);
  });

  it("lets none through where none may, not the first one either", async () => {
    expect(await countEmail(env.DB, "mer_3", 0, NOON)).toBe(false);
    expect(await emailsToday(env.DB, "mer_3", NOON)).toBe(0);
  });

  it("is one row written for an email, and none for one that is refused", async () => {
    const count = async () =>
      (await env.DB.prepare("SELECT emails FROM email_counts WHERE merchant = 'mer_4'").all()).results;
    for (let i = 0; i < 5; i++) await countEmail(env.DB, "mer_4", 2, NOON);
    expect(await count()).toEqual([{ emails: 2 }]);
  });
});

describe("the migration that gives merchants names", () => {
  it("leaves each what it sends from, the first of several, and nobody what speaks for the domain", async () => {
    const [before, [senders]] = [
      env.TEST_MIGRATIONS.filter(({ name }) => name < "0013"),
      env.TEST_MIGRATIONS.filter(({ name }) => name.startsWith("0013")),
    ];
    const run = (queries: string[]) => env.OLD_DB.batch(queries.map((query) => env.OLD_DB.prepare(query)));
    for (const { queries } of before) await run(queries);
    const froms = [
      "Ada <shop@x.example>",
      "SHOP@x.example",
      '"Bank, Inc." <noreply@x.example>',
      "no-reply2@x.example",
      "Ann, Lee <a+b@x.example>",
      "ann@evil.example <ann.lee@x.example>",
    ];
    await run(
      froms.flatMap((from, i) => [
        `INSERT INTO merchants (id, status, created_at) VALUES ('mer_${i}', 'active', 0)`,
        `INSERT INTO channel_accounts (merchant, channel, provider, settings, secrets, created_at, updated_at)
       VALUES ('mer_${i}', 'email', 'cloudflare', '${JSON.stringify({ from })}', '', ${i}, 0)`,
      ]),
    );
    await run(["INSERT INTO merchants (id, status, created_at) VALUES ('mer_none', 'active', 0)", ...senders!.queries]);
    const { results } = await env.OLD_DB.prepare("SELECT email_name AS name FROM merchants ORDER BY id").all();
    expect(results.map(({ name }) => name)).toEqual(["shop", null, null, null, null, "ann.lee", null]);
  });
});
