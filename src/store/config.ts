import type { Ordering } from "../outbox/contract.ts";

/** An endpoint with its secrets opened, the newest first: as planning and delivery use it. */
export interface Endpoint {
  id: string;
  merchant: string;
  url: string;
  status: "enabled" | "disabled";
  secrets: string[];
  /** Event types that it wants; null: all. */
  eventTypes: string[] | null;
  headers: Record<string, string>;
  ordering: Ordering;
  maxHoldSeconds: number;
  /** Delays before the second and later attempts; null: the default schedule. */
  retryScheduleSeconds: number[] | null;
  timeoutSeconds: number;
  includeStale: boolean;
  /** Only events of this mode; null: both. */
  livemode: boolean | null;
  compat: "svix" | null;
}

/** A source with its secrets opened, the newest first. */
export interface Source {
  id: string;
  merchant: string;
  provider: string;
  secrets: string[];
  config: Record<string, unknown> | null;
  /** JSON Pointer into the provider's payload that names the user. */
  userFrom: string | null;
  userPrefix: string | null;
}

/** What planning and delivery need to know of a merchant. */
export interface MerchantConfig {
  id: string;
  status: "active" | "suspended";
  endpoints: Endpoint[];
}
