import type { ProviderEvent } from "../event/event.ts";
import { readAdyenItem } from "./adyen-events.ts";
import { hasMoreThan } from "./bytes.ts";
import { AdyenConfig } from "./config.ts";
import { at, isObject, type Json, parseObject, textAt } from "./json.ts";
import { acknowledgePlainly, type Provider, UnparseableError, type Verification } from "./provider.ts";
import { instantOfIso } from "./reading.ts";
import { adyenFault } from "./secret-faults.ts";
import { bytesOfBase64, bytesOfHex, type HmacSecret, MAX_HEADER_LENGTH, prefixed, verifyHmac } from "./signature.ts";

/** A post holds one item, or a few; each is verified, so there must be an end. */
const MAX_ITEMS = 100;
/** A post has to be parsed before its signature is found. A few kilobytes and a hundred fields are what comes. */
const MAX_BYTES = 256 * 1024;
const MAX_COMMAS = 3_000;
const COMMA = 0x2c;

/**
 * Adyen's standard notifications: each item carries its own HMAC-SHA256 in base64 over eight of its fields, joined with
 * colons and not escaped; the secret is the key in hex. All other fields are unsigned: `signed-weak`.
 * https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures
 */
export const adyen: Provider = {
  name: "adyen",
  config: AdyenConfig,
  secretFault: adyenFault,

  async verify({ body }, secrets) {
    const items = itemsOf(body);
    if (items === null) return { ok: false, reason: "body_malformed" };
    if (items.length > MAX_ITEMS) return { ok: false, reason: "too_many_items" };
    const keys = secrets.map(adyenKey);
    let verification: Verification = { ok: false, reason: "signature_missing" };
    for (const item of items) {
      verification = await verifyItem(item, keys);
      if (!verification.ok) break;
    }
    return verification;
  },

  async normalize({ body }, _secrets, config) {
    const items = itemsOf(body);
    if (items === null) throw new UnparseableError("the body is not a notification of Adyen");
    const livemode = String(parseObject(body)["live"]) === "true";
    return items.map((item): ProviderEvent => {
      const { type, data } = readAdyenItem(item, { autoCapture: config?.["autoCapture"] === true });
      const [pspReference, , merchantAccount, , , , eventCode, success] = signedFields(item)!;
      return {
        eventId: [merchantAccount, pspReference, eventCode, success].join(":"),
        providerType: eventCode || "unknown",
        type,
        occurredAt: instantOfIso(item["eventDate"]),
        livemode,
        customer: data.payment ? shopperOf(item) : null,
        authenticity: "signed-weak",
        data,
        raw: withoutSignature(item),
      };
    });
  },

  acknowledge(outcome) {
    const isTaken = outcome === "accepted" || outcome === "duplicate" || outcome === "unparseable";
    return isTaken ? new Response("[accepted]", { status: 200 }) : acknowledgePlainly(outcome);
  },
};

/** The key of a secret as Adyen shows it, in hex; null for any other text. */
export function adyenKey(secret: string): HmacSecret {
  return bytesOfHex(secret.trim());
}

/** The items of a body; null where it is no notification, or one of them no item. */
function itemsOf(body: Uint8Array): Json[] | null {
  if (body.length > MAX_BYTES || hasMoreThan(MAX_COMMAS, COMMA, body)) return null;
  let list: unknown;
  try {
    list = parseObject(body)["notificationItems"];
  } catch {
    return null;
  }
  const items = Array.isArray(list) ? list.map((entry) => at(entry, "NotificationRequestItem")) : [];
  return items.length > 0 && items.every(isObject) && items.every(signedFields) ? items : null;
}

/**
 * What is signed, in this order: pspReference, originalReference, merchantAccountCode, merchantReference, value,
 * currency, eventCode, success. Null where a field other than the merchant's reference has a colon: the parts of the
 * signed text could then be taken for one another.
 */
function signedFields(item: Json): string[] | null {
  const fields = [
    item["pspReference"],
    item["originalReference"],
    item["merchantAccountCode"],
    item["merchantReference"],
    at(item, "amount", "value"),
    at(item, "amount", "currency"),
    item["eventCode"],
    item["success"],
  ].map((field) => field ?? "");
  const isPlain = fields.every(
    (field, i) => !isObject(field) && !Array.isArray(field) && (i === 3 || !hasColon(field)),
  );
  return isPlain ? fields.map(String) : null;
}

function hasColon(field: unknown): boolean {
  return String(field).includes(":");
}

async function verifyItem(item: Json, keys: HmacSecret[]): Promise<Verification> {
  const text = textAt(item, "additionalData", "hmacSignature");
  if (!text) return { ok: false, reason: "signature_missing" };
  const signature = text.length > MAX_HEADER_LENGTH ? null : bytesOfBase64(text);
  if (signature?.length !== 32) return { ok: false, reason: "signature_malformed" };
  return verifyHmac(prefixed(signedFields(item)!.join(":")), [signature], keys);
}

/** An item as merchants read it: whoever has its signature can post it here, with other fields that are not signed. */
function withoutSignature(item: Json): Json {
  const { additionalData } = item;
  if (!isObject(additionalData)) return item;
  const { hmacSignature: _, ...rest } = additionalData;
  return { ...item, additionalData: rest };
}

/** The merchant's own id of the shopper, which no signature covers. */
function shopperOf(item: Json): string | null {
  const names = ["shopperReference", "recurring.shopperReference", "tokenization.shopperReference"];
  return names.map((name) => textAt(item, "additionalData", name)).find((id) => id !== undefined) ?? null;
}
