import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { adyenSamples } from "../../scripts/samples/adyen.ts";
import { alipaySamples } from "../../scripts/samples/alipay.ts";
import { adyen } from "../../src/providers/adyen.ts";
import { alipay } from "../../src/providers/alipay.ts";
import { coinbaseCdp } from "../../src/providers/coinbase-cdp.ts";
import { parseObject } from "../../src/providers/json.ts";
import { UnparseableError } from "../../src/providers/provider.ts";

// Where what is signed is several things joined, two different posts may have one signed text, and so one signature.
// What keeps each provider's apart is listed in docs/decisions/signed-text.md.

const NOW = 1_796_000_000;
const url = "https://paybell.example/ingest/src_1";

describe("Alipay joins fields without escaping them", async () => {
  const { secret, signingKey } = await alipaySamples.newKeys();
  const paid = alipaySamples.events[1]!.make("1", NOW * 1000) as Record<string, string>;
  const signed = async (fields: Record<string, string>) => alipaySamples.sign(fields, { signingKey, now: NOW, url });

  /** The request with other fields in place of some, and the same signature. */
  const split = async (genuine: Record<string, string>, fields: Record<string, string>, without: string[] = []) => {
    const request = await signed(genuine);
    const form = new URLSearchParams(new TextDecoder().decode(request.body));
    for (const name of without) form.delete(name);
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    return { ...request, body: new TextEncoder().encode(form.toString()) };
  };

  it("so that a free text can be split into an amount: it is signed, and no event", async () => {
    const genuine = { ...paid, subject: "tea&total_amount=9999.00&total_x=" };
    const forged = await split(genuine, {
      subject: "tea",
      total_amount: "9999.00",
      total_x: "&total_amount=88.80",
    });
    for (const request of [await signed(genuine), forged]) {
      expect(await alipay.verify(request, [secret], { now: NOW })).toMatchObject({ ok: true });
      await expect(alipay.normalize(request, [secret])).rejects.toThrow(UnparseableError);
    }
  });

  it("so that a field can be hidden in the one before it", async () => {
    const forged = await split(paid, { trade_no: `${paid["trade_no"]}&trade_status=TRADE_SUCCESS` }, ["trade_status"]);
    expect(await alipay.verify(forged, [secret], { now: NOW })).toMatchObject({ ok: true });
    await expect(alipay.normalize(forged, [secret])).rejects.toThrow(UnparseableError);
  });

  it.each(["茶 & cake 100%", "https://shop.example/?a=1&b=2", "A&B=C", "&", "=&="])("and takes %j", async (subject) => {
    const request = await signed({ ...paid, subject });
    expect(await alipay.normalize(request, [secret])).toMatchObject([{ type: "payment.succeeded" }]);
  });

  it("and what merchants read has no signature", async () => {
    const [event] = await alipay.normalize(await signed(paid), [secret]);
    expect(event!.raw).toMatchObject({ subject: paid["subject"] });
    expect(event!.raw).not.toHaveProperty("sign");
  });
});

describe("Adyen joins fields with colons", async () => {
  const { secret, signingKey } = await adyenSamples.newKeys();
  const request = await adyenSamples.sign(adyenSamples.events[0]!.make("1", NOW * 1000), { signingKey, now: NOW, url });

  it("of which only one may stand in a field, so that nothing can be moved to another", async () => {
    const item = (body: Uint8Array) =>
      (parseObject(body)["notificationItems"] as { NotificationRequestItem: Record<string, unknown> }[])[0]!
        .NotificationRequestItem;
    const moved = { ...item(request.body) };
    moved["merchantReference"] = `${String(moved["merchantAccountCode"])}:${String(moved["merchantReference"])}`;
    moved["merchantAccountCode"] = moved["originalReference"] ?? "";
    moved["originalReference"] = moved["pspReference"];
    moved["pspReference"] = "";
    const body = new TextEncoder().encode(
      JSON.stringify({ live: "true", notificationItems: [{ NotificationRequestItem: moved }] }),
    );
    expect(await adyen.verify({ ...request, body }, [secret], { now: NOW })).toMatchObject({ ok: false });
  });

  it("and what merchants read has no signature", async () => {
    const [event] = await adyen.normalize(request, [secret]);
    expect(JSON.stringify(event!.raw)).not.toContain("hmacSignature");
    expect(event!.raw).toHaveProperty("pspReference");
  });
});

describe("Coinbase's CDP joins the values of headers with dots", () => {
  const secret = "cdp-secret";
  const body = new TextEncoder().encode('{"eventType":"checkout.payment.success"}');
  /** `id` and `agent`, signed as they are joined. */
  const post = (id: string, agent: string) => {
    const signed = `${NOW}.x-hook0-id user-agent.${id}.${agent}.${new TextDecoder().decode(body)}`;
    const v1 = createHmac("sha256", secret).update(signed).digest("hex");
    const headers = new Headers({
      "x-hook0-signature": `t=${NOW},h=x-hook0-id user-agent,v1=${v1}`,
      "x-hook0-id": id,
      "user-agent": agent,
    });
    return { body, headers, url };
  };

  it("so that a part of one could be moved into the id: such an id is none, and the post is no event", async () => {
    const [genuine, forged] = [post("evt_1", "Hook0.agent/1"), post("evt_1.Hook0", "agent/1")];
    expect(genuine.headers.get("x-hook0-signature")).toBe(forged.headers.get("x-hook0-signature"));
    expect(await coinbaseCdp.normalize(genuine, [secret])).toMatchObject([{ eventId: "evt_1" }]);
    expect(await coinbaseCdp.verify(forged, [secret], { now: NOW })).toMatchObject({ ok: true });
    await expect(coinbaseCdp.normalize(forged, [secret])).rejects.toThrow(UnparseableError);
  });
});

it("what comes before or behind a body that is a JSON object cannot be moved into it, nor out of it", () => {
  const isObject = (text: string) => {
    try {
      parseObject(new TextEncoder().encode(text));
      return true;
    } catch {
      return false;
    }
  };
  const text = fc.oneof(fc.json(), fc.constantFrom('{"', '":"', "{", "}", "\\", '"', ",", "]"), fc.string());
  const object = fc.dictionary(text, fc.oneof(text, fc.jsonValue())).map((value) => JSON.stringify(value));
  fc.assert(
    fc.property(object, (body) => {
      for (let cut = 1; cut < body.length; cut++) {
        expect([isObject(body.slice(cut)), isObject(body.slice(0, cut))]).toEqual([false, false]);
      }
    }),
    { numRuns: 300 },
  );
});
