import { z } from "zod";

import { BaseUrl, Credential, urlOf } from "../channels/http-api.ts";
import { at, parseObject, textAt } from "../providers/json.ts";
import { paypal as provider } from "../providers/paypal.ts";
import { UnparseableError } from "../providers/provider.ts";
import type { Call, Enricher, Untold } from "./enricher.ts";

const PayPalCredential = z.strictObject({
  clientId: Credential,
  clientSecret: Credential,
  baseUrl: BaseUrl.optional(),
});
type PayPalCredential = z.infer<typeof PayPalCredential>;

/** A token is not used in its last minute. */
const SPARE_SECONDS = 60;
const MAX_TOKENS = 1_000;

/** Access tokens of this isolate, by API and credential. `until`: epoch ms. */
const tokens = new Map<string, { token: string; until: number }>();

/**
 * PayPal: the event is read again by its id, as PayPal has kept it. Its other way, to have the signature verified by
 * `verify-webhook-signature`, is not known to prove more than we do: the signature is over a checksum of the body.
 * https://developer.paypal.com/docs/api/webhooks/v1/#webhooks-events_get
 */
export const paypal: Enricher<PayPalCredential> = {
  credential: PayPalCredential,
  baseUrl: "https://api-m.paypal.com",
  headers: ["paypal-transmission-id", "paypal-cert-url"],

  // The id goes into a path.
  canAsk: ({ raw }) => /^[\w-]{1,64}$/.test(textAt(raw, "id") ?? ""),

  async ask({ request, event, config }, credential, call) {
    const { livemode } = event;
    const id = textAt(event.raw, "id")!;
    const { baseUrl = livemode ? paypal.baseUrl : "https://api-m.sandbox.paypal.com" } = credential;
    const url = urlOf(baseUrl, `/v1/notifications/webhooks-events/${id}`);
    const answer = await withToken(baseUrl, credential, call, (token) =>
      call({ url, headers: { authorization: `Bearer ${token}` } }),
    );
    if (!answer.ok) return answer;
    if (textAt(parseObject(answer.body), "id") !== id) {
      throw new UnparseableError("the answer is not the event that was asked for");
    }
    const [told] = await provider.normalize({ ...request, body: answer.body }, [], config);
    return { ok: true, events: [{ event: { ...told!, livemode, authenticity: "fetched" } }] };
  },
};

/** Calls with a token; with another one where the API does not take one any more that it gave out before. */
async function withToken(
  baseUrl: string,
  credential: PayPalCredential,
  call: Call,
  use: (token: string) => ReturnType<Call>,
): ReturnType<Call> {
  const name = JSON.stringify([baseUrl, credential.clientId, credential.clientSecret]);
  const known = tokens.get(name);
  if (known && known.until > Date.now()) {
    const answer = await use(known.token);
    if (answer.ok || answer.status !== 401) return answer;
  }
  const token = await newToken(baseUrl, credential, call);
  if (!token.ok) return token;
  if (tokens.size >= MAX_TOKENS) tokens.clear();
  tokens.set(name, token);
  return use(token.token);
}

/** A token by the client's credentials. https://developer.paypal.com/api/rest/authentication/ */
async function newToken(
  baseUrl: string,
  { clientId, clientSecret }: PayPalCredential,
  call: Call,
): Promise<{ ok: true; token: string; until: number } | Untold> {
  const answer = await call({
    url: urlOf(baseUrl, "/v1/oauth2/token"),
    headers: {
      authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}`,
      "content-type": "application/x-www-form-urlencoded",
    },
    body: "grant_type=client_credentials",
  });
  // PayPal gave us no token, which says nothing about the event: so it does not count as unknown.
  if (!answer.ok) return answer.because === "unknown" ? { ...answer, because: "refused" } : answer;
  const body = parseObject(answer.body);
  const [token, seconds] = [textAt(body, "access_token"), at(body, "expires_in")];
  if (token === undefined || typeof seconds !== "number") throw new UnparseableError("the answer is no token");
  return { ok: true, token, until: Date.now() + (seconds - SPARE_SECONDS) * 1000 };
}
