import { createSign } from "node:crypto";

import { newRsaKeys } from "./rsa.ts";
import type { ProviderSamples, Sample } from "./sample.ts";

const SOURCE = "https://opendocs.alipay.com/open/270/105902";
const shanghai = (at: number) => new Date(at + 8 * 3_600_000).toISOString().slice(0, 19).replace("T", " ");

function notice(
  status: string,
  is: Sample["is"],
  fields: (id: string, time: string) => Record<string, string>,
  variant?: string,
): Sample {
  const make = (id: string, at: number) => ({
    app_id: "2026000000000001",
    charset: "utf-8",
    notify_id: `notice-${id}`,
    notify_type: "trade_status_sync",
    notify_time: shanghai(at),
    trade_no: `trade-${id}`,
    out_trade_no: `tea-${id}`,
    trade_status: status,
    total_amount: "88.80",
    buyer_id: `buyer-${id}`,
    subject: "茶 & cake 100%",
    ...fields(id, shanghai(at)),
  });
  return { type: `trade_status_sync.${status}`, source: SOURCE, make, is, ...(variant && { variant }) };
}

function agreement(type: string, is: Sample["is"], field: string, status: string): Sample {
  const make = (id: string, at: number) => ({
    app_id: "2026000000000001",
    charset: "utf-8",
    notify_id: `notice-${id}`,
    notify_type: type,
    notify_time: shanghai(at),
    agreement_no: `agreement-${id}`,
    external_agreement_no: `tea-club-${id}`,
    alipay_user_id: `buyer-${id}`,
    status,
    [field]: shanghai(at),
  });
  return { type, source: "https://opendocs.alipay.com/open/20190319114403226822/signpay", make, is };
}

const paid = (_: string, time: string) => ({ gmt_payment: time });
const refunded = (fee: string) => (_: string, time: string) => ({
  gmt_payment: time,
  gmt_refund: time,
  refund_fee: fee,
});

/** Alipay has four statuses of a trade, some of which mean several things, and two of an agreement. */
export const alipaySamples: ProviderSamples = {
  provider: "alipay",
  toleranceSeconds: null,
  areAll: true,
  covers: "body",

  async newKeys() {
    const { publicKey, privateKey } = newRsaKeys();
    return { secret: publicKey, signingKey: privateKey };
  },

  async sign(event, { signingKey, url }) {
    const fields = event as Record<string, string>;
    const text = Object.keys(fields)
      .sort()
      .map((name) => `${name}=${fields[name]}`)
      .join("&");
    const sign = createSign("RSA-SHA256").update(text).sign(signingKey, "base64");
    const body = new TextEncoder().encode(new URLSearchParams({ ...fields, sign, sign_type: "RSA2" }).toString());
    return { body, headers: new Headers({ "content-type": "application/x-www-form-urlencoded; charset=utf-8" }), url };
  },

  events: [
    notice("WAIT_BUYER_PAY", "payment.pending", () => ({})),
    notice("TRADE_SUCCESS", "payment.succeeded", paid),
    notice("TRADE_SUCCESS", "refund.succeeded", refunded("8.80"), "refunded"),
    notice("TRADE_FINISHED", "payment.succeeded", paid),
    notice("TRADE_CLOSED", "refund.succeeded", refunded("88.80")),
    notice("TRADE_CLOSED", "payment.expired", (_, time) => ({ gmt_close: time })),
    agreement("dut_user_sign", "mandate.active", "sign_time", "NORMAL"),
    agreement("dut_user_unsign", "mandate.canceled", "unsign_time", "UNSIGN"),
  ],

  unmapped: (id, at) => notice("NO_SUCH_STATUS", "unknown", () => ({})).make(id, at),
};
