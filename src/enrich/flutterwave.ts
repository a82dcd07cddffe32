import { z } from "zod";

import { BaseUrl, Credential, urlOf } from "../channels/http-api.ts";
import { readFlutterwave } from "../providers/flutterwave.ts";
import { at, parseObject } from "../providers/json.ts";
import { UnparseableError } from "../providers/provider.ts";
import { idOf } from "../providers/reading.ts";
import type { Enricher } from "./enricher.ts";

const FlutterwaveCredential = z.strictObject({ secretKey: Credential, baseUrl: BaseUrl.optional() });

/** What is read where, by how the type of an event begins. */
const PATHS: Readonly<Record<string, (id: string) => string>> = {
  charge: (id) => `/v3/transactions/${id}/verify`,
  transfer: (id) => `/v3/transfers/${id}`,
};

/**
 * Flutterwave v3: the transaction or transfer that a post names is read. What it says counts, whatever the post says:
 * who knows the secret hash can have a true event told again, and no other.
 * https://developer.flutterwave.com/v3.0/docs/transaction-verification
 */
export const flutterwave: Enricher<z.infer<typeof FlutterwaveCredential>> = {
  credential: FlutterwaveCredential,
  baseUrl: "https://api.flutterwave.com",
  headers: [],

  // Nobody signed the id, and it goes into a path.
  canAsk: ({ providerType, raw }) => pathOf(providerType) !== undefined && /^\d{1,20}$/.test(idIn(raw) ?? ""),

  async ask({ event, config }, { secretKey, baseUrl = flutterwave.baseUrl }, call) {
    const id = idIn(event.raw)!;
    const url = urlOf(baseUrl, pathOf(event.providerType)!(id));
    const answer = await call({ url, headers: { authorization: `Bearer ${secretKey}` } });
    // "No transaction was found for this id" comes as a bad request.
    if (!answer.ok) return answer.status === 400 ? { ...answer, because: "unknown" } : answer;
    const told = parseObject(answer.body);
    if (idIn(told) !== id) throw new UnparseableError("the answer is not the object that was asked for");
    const read = { event: event.providerType, data: at(told, "data") };
    return { ok: true, events: [{ event: { ...readFlutterwave(read, config), authenticity: "fetched" } }] };
  },
};

function pathOf(providerType: string): ((id: string) => string) | undefined {
  const [kind = ""] = providerType.split(".");
  return Object.hasOwn(PATHS, kind) ? PATHS[kind] : undefined;
}

function idIn(body: unknown): string | undefined {
  return idOf(at(body, "data", "id"));
}
