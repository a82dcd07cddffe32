import { recall, remember } from "../folder.ts";
import type { PhoneNetwork } from "./phone-network.ts";
import type { Sabotage } from "./sabotage.ts";
import { stripeSecret } from "./stripe.ts";

/** Seconds before the second and third attempt at the endpoint that fails at first: quick, to be watched. */
export const QUICK_RETRIES_SECONDS = [1, 1];

/** A merchant on Paybell, with a Stripe source, two endpoints at its own server, and accounts for email and texts. */
export interface Shop {
  /** Of the Worker. */
  url: string;
  apiKey: string;
  source: { ingestUrl: string; secret: string };
  steady: Endpoint;
  flaky: Endpoint;
  /** Says how to reach a customer. */
  putUser(id: string, contact: { email?: string; phone?: string; phoneVerified?: boolean }): Promise<void>;
  /** GET of the API; throws an Error that says what came instead of 200. */
  get<T>(path: string): Promise<T>;
}

interface Endpoint {
  id: string;
  secret: string;
}

/** The name under which the merchant is kept, so that the next demonstration finds it again. */
const KEPT = "demo-shop";

/** What makes the merchant: its key, and the Stripe source that it has. */
type Identity = Pick<Shop, "apiKey" | "source">;

/**
 * Opens the shop by the API, as anybody would: the admin token makes the merchant, its key everything else.
 * `receiverUrl`: where the merchant's server listens; `phones`: where texts go; `isKept`: take the merchant of the
 * demonstration before, and leave it for the next one.
 */
export async function openShop(options: {
  url: string;
  adminToken: string;
  receiverUrl: string;
  phones: PhoneNetwork;
  sabotage: Sabotage | null;
  isKept: boolean;
}): Promise<Shop> {
  const { url, adminToken, receiverUrl, phones, sabotage, isKept } = options;
  const { apiKey, source } = (isKept ? await known(url) : null) ?? (await newMerchant(url, adminToken));
  if (isKept) remember(KEPT, { apiKey, source });
  const post = <T>(path: string, body: unknown) => call<T>(url, apiKey, "POST", path, body);
  await call(url, apiKey, "PUT", "/v1/channels/email", {
    provider: "cloudflare",
    from: "Demo shop",
  });
  await call(url, apiKey, "PUT", "/v1/channels/sms", { provider: "twilio", ...phones.account, baseUrl: phones.url });
  const steady = await post<Endpoint>("/v1/endpoints", {
    url: `${receiverUrl}/steady`,
    includeStale: true,
    description: "Answers at once",
  });
  const flaky = await post<Endpoint>("/v1/endpoints", {
    url: `${receiverUrl}/flaky`,
    retrySchedule: QUICK_RETRIES_SECONDS,
    description: "Fails at first",
    ...(sabotage === "no-ordering" && { ordering: "none" }),
  });
  const get = <T>(path: string) => call<T>(url, apiKey, "GET", path);
  const putUser = async (id: string, contact: object) => {
    await call(url, apiKey, "PUT", `/v1/users/${id}`, contact);
  };
  return { url, apiKey, source, steady, flaky, putUser, get };
}

async function newMerchant(url: string, adminToken: string): Promise<Identity> {
  const { apiKey } = await call<{ apiKey: string }>(url, adminToken, "POST", "/v1/merchants", { name: "Demo shop" });
  const secret = stripeSecret();
  const { ingestUrl } = await call<{ ingestUrl: string }>(url, apiKey, "POST", "/v1/sources", {
    provider: "stripe",
    secrets: [secret],
  });
  return { apiKey, source: { ingestUrl, secret } };
}

/**
 * The merchant of the demonstration before, null if there is none. Its endpoints go: the server that they name has
 * ended.
 */
async function known(url: string): Promise<Identity | null> {
  const kept = recall<Identity>(KEPT);
  if (kept === null) return null;
  const list = await fetch(`${url}/v1/endpoints`, { headers: { authorization: `Bearer ${kept.apiKey}` } });
  if (list.status === 401) return null;
  if (!list.ok) throw new Error(`GET /v1/endpoints answered ${list.status}: ${await list.text()}`);
  const { data } = (await list.json()) as { data: Endpoint[] };
  await Promise.all(data.map(({ id }) => call(url, kept.apiKey, "DELETE", `/v1/endpoints/${id}`)));
  // It may answer at another port than before.
  const ingestUrl = url + new URL(kept.source.ingestUrl).pathname;
  return { ...kept, source: { ...kept.source, ingestUrl } };
}

async function call<T>(
  url: string,
  token: string,
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  body?: unknown,
): Promise<T> {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return (text === "" ? null : JSON.parse(text)) as T;
}
