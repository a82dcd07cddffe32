import type { PaymentEvent } from "../event/event.ts";
import type { Planned } from "../outbox/contract.ts";
import type { Endpoint, MerchantConfig } from "../store/config.ts";

/**
 * Which destinations want an event. Disabled endpoints are planned too: what they miss waits for them. Whether the
 * event is stale is not known yet; the outbox leaves it out where that is not wanted.
 */
export function plan({ endpoints }: MerchantConfig, event: PaymentEvent): Planned[] {
  return endpoints
    .filter((endpoint) => wants(endpoint, event))
    .map(({ id, ordering, maxHoldSeconds, includeStale }) => ({
      destination: id,
      ordering,
      maxHoldSeconds,
      includeStale,
    }));
}

function wants({ eventTypes, livemode }: Endpoint, event: PaymentEvent): boolean {
  return (eventTypes === null || eventTypes.includes(event.type)) && (livemode === null || livemode === event.livemode);
}
