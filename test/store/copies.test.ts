import { env } from "cloudflare:workers";
import { expect, describe, it } from "vitest";

import { copiesOf, copyOf, forget, forgetOne, hasCopy, type Loaded } from "../../src/store/copies.ts";
import { merchantConfig } from "../../src/store/config.ts";
import { personOf } from "../../src/store/people.ts";
import { call, newMerchant } from "../support/merchant.ts";

const NOW = Date.parse("2026-11-23T12:00:00Z");

/** How often each key is loaded; `values` says what there is. */
function loader(values: Record<string, Loaded<string>>) {
  const loads: string[] = [];
  const ask = async (key: string, now = NOW) =>
    copyOf(key, now, async () => {
      loads.push(key);
      return values[key] ?? null;
    });
  return { loads, ask };
}

describe("what is forgotten", () => {
  it("of a merchant is all of it, and what there was none of; nothing of another's", async () => {
    const values = { "a/mer_a/1": { merchant: "mer_a", value: "1" }, "a/mer_b/1": { merchant: "mer_b", value: "2" } };
    const { loads, ask } = loader(values);
    const keys = ["a/mer_a/1", "a/mer_a/none", "a/mer_b/1", "a/mer_b/none", "key/none"];
    for (const key of keys) await ask(key);
    forget("mer_a");
    for (const key of keys) await ask(key);
    expect(loads).toEqual([...keys, "a/mer_a/1", "a/mer_a/none"]);
  });

  it("alone is one thing", async () => {
    const values = { "b/1": { merchant: "mer_c", value: "1" }, "b/2": { merchant: "mer_c", value: "2" } };
    const { loads, ask } = loader(values);
    const keys = ["b/1", "b/2", "b/none", "b/never"];
    for (const key of keys) await ask(key);
    for (const key of ["b/1", "b/none"]) forgetOne(key);
    for (const key of keys) await ask(key);
    expect(loads).toEqual([...keys, "b/1", "b/none"]);
  });

  it.each([
    ["its merchant", () => forget("mer_d"), 2],
    ["it alone", () => forgetOne("c/1"), 2],
    ["another merchant", () => forget("mer_e"), 1],
    ["another thing of the merchant", () => forgetOne("c/2"), 1],
    ["so many things that nobody knows", () => Array.from({ length: 1_200 }, (_, i) => forget(`mer_${i}`)), 2],
  ])("while it is loaded is loaded again, %s: as far as it may be from before", async (_, change, expected) => {
    forgetOne("c/1");
    let loads = 0;
    const load = async () => {
      loads += 1;
      if (loads === 1) change();
      return new Map([["c/1", { merchant: "mer_d", value: "1" }]]);
    };
    await copiesOf(["c/1"], NOW, load);
    await copiesOf(["c/1"], NOW, load);
    expect(loads).toBe(expected);
  });

  it("by a change of a user is that user: the merchant's configuration stays", async () => {
    const { id: merchant, key } = await newMerchant();
    const localeOf = async (user: string) => {
      const found = await personOf(env, { merchant, user });
      return found.ok ? (found.value?.locale ?? null) : "unavailable";
    };
    const put = (user: string, locale: string) => call("PUT", `/v1/users/${user}`, { key, body: { locale } });
    await put("ada", "en");
    await put("bob", "en");
    await merchantConfig(env, merchant);
    expect([await localeOf("ada"), await localeOf("bob")]).toEqual(["en", "en"]);
    await put("ada", "de");
    const [config, bob] = [hasCopy(`merchant/${merchant}`), hasCopy(`user/${merchant}/bob`)];
    expect({ config, bob, ada: await localeOf("ada") }).toEqual({ config: true, bob: true, ada: "de" });
    await call("DELETE", "/v1/users/ada", { key });
    expect(await localeOf("ada")).toBeNull();
    expect(hasCopy(`merchant/${merchant}`)).toBe(true);
  });
});
