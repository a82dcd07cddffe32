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

/**
 * Makes the merchant by the API, as anybody would: the admin token makes the merchant, its key everything else.
 * `receiverUrl`: where the merchant's server listens; `phones`: where texts go.
 */
export async function openShop(
  url: string,
  adminToken: string,
  receiverUrl: string,
  phones: PhoneNetwork,
  sabotage: Sabotage | null,
): Promise<Shop> {
  const { apiKey } = await call<{ apiKey: string }>(url, adminToken, "POST", "/v1/merchants", { name: "Demo shop" });
  const post = <T>(path: string, body: unknown) => call<T>(url, apiKey, "POST", path, body);
  await call(url, apiKey, "PUT", "/v1/channels/email", {
    provider: "cloudflare",
    from: "Demo shop <demo@paybell.example>",
  });
  await call(url, apiKey, "PUT", "/v1/channels/sms", { provider: "twilio", ...phones.account, baseUrl: phones.url });
  const secret = stripeSecret();
  const { ingestUrl } = await post<{ ingestUrl: string }>("/v1/sources", { provider: "stripe", secrets: [secret] });
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
  return { url, apiKey, source: { ingestUrl, secret }, steady, flaky, putUser, get };
}

async function call<T>(
  url: string,
  token: string,
  method: "GET" | "POST" | "PUT",
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
  return JSON.parse(text) as T;
}
