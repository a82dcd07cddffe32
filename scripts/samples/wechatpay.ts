import { createCipheriv, createSign, randomBytes } from "node:crypto";

import type { EventType } from "../../src/event/event-types.ts";
import type { SignedRequest } from "../../src/providers/provider.ts";
import { newRsaKeys } from "./rsa.ts";
import type { ProviderSamples, Sample } from "./sample.ts";
import { bytesOf } from "./signing.ts";

const PAGES = "https://pay.weixin.qq.com/docs/merchant/apis";
const PAYMENT = "https://pay.weixin.qq.com/wiki/doc/apiv3/wxpay/pay/transactions/chapter3_11.shtml";
const REFUND = `${PAGES}/refund/refunds/refund-result-notice.html`;
const SCORE = `${PAGES}/weixin-pay-score/open/disable-notification.html`;
const BILL = "https://pay.weixin.qq.com/doc/v3/merchant/4012712115";
const COMPLAINT = "https://pay.weixin.qq.com/doc/v3/merchant/4012289719";

/** What WeChat Pay encrypts stands open in a sample: signing encrypts it. */
interface Notification {
  resource: unknown;
}

/** An instant as WeChat Pay writes it: in the time of Shanghai. */
const shanghai = (at: number) => new Date(at + 8 * 3_600_000).toISOString().replace(/\.\d+Z$/, "+08:00");

function sample(
  type: string,
  is: EventType,
  source: string,
  resource: (id: string, time: string) => Record<string, unknown>,
  amount?: string,
): Sample {
  const make = (id: string, at: number) => ({
    id: `EV-${id}`,
    create_time: shanghai(at),
    resource_type: "encrypt-resource",
    event_type: type,
    summary: "通知",
    resource: resource(id, shanghai(at)),
  });
  return { type, is, source, make, ...(amount !== undefined && { amount }) };
}

const transaction = (state: string) => (id: string, time: string) => ({
  mchid: "1900009231",
  appid: "wx8888888888888888",
  transaction_id: `42000${id}`,
  out_trade_no: `tea-${id}`,
  trade_type: "JSAPI",
  trade_state: state,
  success_time: time,
  payer: { openid: `o-${id}` },
  amount: { total: 8880, payer_total: 8000, currency: "CNY", payer_currency: "CNY" },
});
const refund = (status: string) => (id: string, time: string) => ({
  mchid: "1900009231",
  transaction_id: `42000${id}`,
  out_trade_no: `tea-${id}`,
  refund_id: `50000${id}`,
  out_refund_no: `back-${id}`,
  refund_status: status,
  ...(status === "SUCCESS" && { success_time: time }),
  user_received_account: "支付用户零钱",
  amount: { total: 8880, refund: 880, payer_total: 8880, payer_refund: 880 },
});
const bill = (state: string) => (id: string, time: string) => ({
  mch_id: "1900009231",
  out_bill_no: `wage${id}`,
  transfer_bill_no: `13300${id}`,
  state,
  transfer_amount: 40_000,
  openid: `o-${id}`,
  create_time: time,
  update_time: time,
  ...(state === "FAIL" && { fail_reason: "PAYEE_ACCOUNT_ABNORMAL" }),
});
const service = (status: string) => (id: string, time: string) => ({
  mchid: "1900009231",
  service_id: "2002000000000558128851361561536",
  openid: `o-${id}`,
  user_service_status: status,
  openorclose_time: time,
});
const complaint = (action: string) => (id: string) => ({ complaint_id: `2002${id}`, action_type: action });

export const wechatpaySamples: ProviderSamples = {
  provider: "wechatpay",
  toleranceSeconds: 300,
  covers: "body",

  async newKeys() {
    const { publicKey, privateKey } = newRsaKeys();
    const serial = `PUB_KEY_ID_${randomBytes(8).readBigUInt64BE()}`;
    const apiV3Key = randomBytes(16).toString("hex");
    return {
      secret: JSON.stringify({ keys: { [serial]: publicKey }, apiV3Key }),
      signingKey: JSON.stringify({ serial, privateKey, apiV3Key }),
    };
  },

  async sign(event, how) {
    const { apiV3Key } = JSON.parse(how.signingKey) as Record<string, string>;
    const notification = event as Notification;
    return signedAsItStands({ ...notification, resource: encrypted(notification.resource, apiV3Key!) }, how);
  },

  events: [
    sample("TRANSACTION.SUCCESS", "payment.succeeded", PAYMENT, transaction("SUCCESS"), "88.80 CNY"),
    sample("REFUND.SUCCESS", "refund.succeeded", REFUND, refund("SUCCESS"), "8.80 CNY"),
    sample("REFUND.ABNORMAL", "refund.failed", REFUND, refund("ABNORMAL"), "8.80 CNY"),
    sample("REFUND.CLOSED", "refund.failed", REFUND, refund("CLOSED"), "8.80 CNY"),
    sample(
      "PAYSCORE.USER_PAID",
      "payment.succeeded",
      SCORE,
      (id, time) => ({
        mchid: "1900009231",
        openid: `o-${id}`,
        out_order_no: `umbrella-${id}`,
        order_id: `15646${id}`,
        state: "DONE",
        total_amount: 300,
        collection: {
          state: "USER_PAID",
          total_amount: 300,
          paid_amount: 300,
          details: [{ seq: 1, amount: 300, paid_type: "NEWTON", paid_time: time, transaction_id: `42000${id}` }],
        },
      }),
      "3.00 CNY",
    ),
    sample("PAYSCORE.USER_OPEN_SERVICE", "mandate.active", SCORE, service("USER_OPEN_SERVICE")),
    sample("PAYSCORE.USER_CLOSE_SERVICE", "mandate.canceled", SCORE, service("USER_CLOSE_SERVICE")),
    sample("MCHTRANSFER.BILL.FINISHED", "payout.paid", BILL, bill("SUCCESS"), "400.00 CNY"),
    sample("MCHTRANSFER.BILL.FINISHED", "payout.failed", BILL, bill("FAIL"), "400.00 CNY"),
    sample("COMPLAINT.CREATE", "dispute.warning", COMPLAINT, complaint("CREATE_COMPLAINT")),
    sample("COMPLAINT.STATE_CHANGE", "dispute.under_review", COMPLAINT, complaint("USER_RESPONSE")),
    sample("COMPLAINT.STATE_CHANGE", "dispute.closed", COMPLAINT, complaint("MERCHANT_CONFIRM_COMPLETE")),
  ],
};

/** The request of a notification whose resource is encrypted already, or is not. */
export function signedAsItStands(
  notification: unknown,
  { signingKey, now, url }: { signingKey: string; now: number; url: string },
): SignedRequest {
  const { serial, privateKey } = JSON.parse(signingKey) as Record<string, string>;
  const body = bytesOf(JSON.stringify(notification));
  const nonce = randomBytes(16).toString("hex");
  const signature = createSign("RSA-SHA256").update(`${now}\n${nonce}\n`).update(body).update("\n");
  const headers = new Headers({
    "content-type": "application/json",
    "wechatpay-timestamp": String(now),
    "wechatpay-nonce": nonce,
    "wechatpay-serial": serial!,
    "wechatpay-signature": signature.sign(privateKey!, "base64"),
    "wechatpay-signature-type": "WECHATPAY2-SHA256-RSA2048",
  });
  return { body, headers, url };
}

/** A resource as WeChat Pay seals it: the tag stands behind the ciphertext. */
function encrypted(resource: unknown, apiV3Key: string) {
  const [nonce, associated] = [randomBytes(6).toString("hex"), "transaction"];
  const cipher = createCipheriv("aes-256-gcm", apiV3Key, nonce).setAAD(bytesOf(associated));
  const parts = [cipher.update(JSON.stringify(resource), "utf8"), cipher.final(), cipher.getAuthTag()];
  return {
    original_type: associated,
    algorithm: "AEAD_AES_256_GCM",
    ciphertext: Buffer.concat(parts).toString("base64"),
    associated_data: associated,
    nonce,
  };
}
