import { afterEach, describe, expect, it, vi } from "vitest";

import { samples } from "../../scripts/samples/index.ts";
import { providerOf } from "../../src/providers/index.ts";
import type { SignedRequest } from "../../src/providers/provider.ts";
import { NOW, signed } from "./contract.ts";

afterEach(() => vi.restoreAllMocks());

const IN_BODY = ["adyen", "alipay", "braintree"];

describe.each(samples)("what nobody signed for $provider", (provider) => {
  const mayBeSigned = (request: Pick<SignedRequest, "headers" | "url">) =>
    providerOf(provider.provider)!.mayBeSigned!(request, provider.config);

  it.skipIf(IN_BODY.includes(provider.provider))("is told from its headers, unread", async () => {
    const keys = await provider.newKeys();
    const genuine = await signed(provider, provider.events[0]!.make("1", NOW * 1000), keys);
    expect(mayBeSigned(genuine)).toBe(true);
    expect(mayBeSigned({ headers: new Headers(), url: genuine.url })).toBe(false);
  });
});

it.each([
  ["alipay", "a=&".repeat(129)],
  ["alipay", `sign=x&a=${"x".repeat(65_536)}`],
  ["braintree", "bt_signature=x&bt_payload=x&a=&a=&a=&a=&a=&a=&a="],
  ["braintree", `bt_signature=x&bt_payload=${"x".repeat(400_000)}`],
  ["adyen", `{"notificationItems":[${"1,".repeat(3_001)}1]}`],
  ["adyen", `{"notificationItems":["${"x".repeat(262_144)}"]}`],
])("more than %s ever sends is refused before it is parsed", async (name, text) => {
  const parsers = [vi.spyOn(JSON, "parse"), vi.spyOn(globalThis, "URLSearchParams")];
  const request = { body: new TextEncoder().encode(text), headers: new Headers(), url: "" };
  expect(await providerOf(name)!.verify(request, ["secret"], { now: NOW })).toMatchObject({ ok: false });
  for (const parser of parsers) expect(parser).not.toHaveBeenCalled();
});
