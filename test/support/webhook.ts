import type { WebhookAttempt } from "../../src/channels/webhook.ts";

/** A first attempt at an endpoint without headers; what a test is about it adds. */
export const ATTEMPT: Omit<WebhookAttempt, "secrets" | "now" | "body"> = {
  url: "https://shop.example/",
  headers: {},
  compat: null,
  id: "evt_1",
  hops: "h",
  attempt: 1,
};
