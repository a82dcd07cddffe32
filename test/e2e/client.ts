import { holdToDocument } from "../support/document.ts";
import { ADMIN_TOKEN } from "./process.ts";

/** A delivery as the API shows it. */
export interface Delivery {
  id: string;
  event: string;
  status: string;
  attempts: { class: string }[];
}

/** What a merchant does with Paybell, over HTTP. */
export interface Merchant {
  url: string;
  apiKey: string;
  /** A call of the API: its status and JSON. */
  call<T>(method: string, path: string, body?: unknown): Promise<{ status: number; json: T }>;
  endpoint(fields: Record<string, unknown>): Promise<{ id: string; secret: string }>;
}

/** Makes a merchant on a running Worker. */
export async function newMerchant(url: string): Promise<Merchant> {
  const made = await request<{ apiKey: string }>(url, ADMIN_TOKEN, "POST", "/v1/merchants", { name: "Test" });
  return merchantOf(url, made.json.apiKey);
}

/** The merchant of a key, as when the Worker came back under another address. */
export function merchantOf(url: string, apiKey: string): Merchant {
  const call: Merchant["call"] = (method, path, body) => request(url, apiKey, method, path, body);
  return {
    url,
    apiKey,
    call,
    endpoint: async (fields) => {
      const { status, json } = await call<{ id: string; secret: string }>("POST", "/v1/endpoints", fields);
      if (status !== 201) {
        throw new Error(`No endpoint: ${status} ${JSON.stringify(json)}`);
      }
      return json;
    },
  };
}

/** Sets what goes wrong in the Worker of the tests (`test/support/faults.ts`). */
export async function setFaults(url: string, faults: Record<string, unknown>): Promise<void> {
  await fetch(`${url}/__test/faults`, { method: "POST", body: JSON.stringify(faults) });
}

/** Posts an event as a careful client does: again and again until it has an answer that is no 5xx. */
export async function post(
  merchant: () => Merchant,
  event: Record<string, unknown>,
): Promise<{ id: string; sequence: number | null; status: string }> {
  for (;;) {
    try {
      const { status, json } = await merchant().call<{ id: string; sequence: number | null; status: string }>(
        "POST",
        "/v1/events",
        event,
      );
      if (status < 500) {
        return json;
      }
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function request<T>(
  url: string,
  token: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; json: T }> {
  const response = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  holdToDocument({ method, path, sent: body, status: response.status, headers: response.headers, text });
  return { status: response.status, json: (text === "" ? null : JSON.parse(text)) as T };
}
