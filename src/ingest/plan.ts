import { whyUntold } from "../channels/rules.ts";
import { isTold } from "../channels/texts/notice.ts";
import { viewOf } from "../event/envelope.ts";
import { prepareTypes } from "../event/event-types.ts";
import type { Authenticity, PaymentEvent } from "../event/event.ts";
import { prepareFilter, Reading, type Prepared } from "../event/filter.ts";
import { isOperational } from "../event/operational.ts";
import type { Planned } from "../outbox/contract.ts";
import type { ChannelAccount, Endpoint, MerchantConfig } from "../store/config.ts";

/**
 * Which destinations want an event: endpoints, and channels where the event is one that people hear of. Disabled
 * endpoints are planned too: what they miss waits for them. Whether the event is stale is not known yet; the outbox
 * leaves it out where that is not wanted. `minAuthenticity`: the source's.
 */
export function plan(
  { endpoints, accounts }: MerchantConfig,
  event: PaymentEvent,
  minAuthenticity?: Authenticity,
): Planned[] {
  let reading: Reading | undefined;
  const read = () => (reading ??= new Reading(viewOf(event)));
  const webhooks = endpoints
    .filter((endpoint) => wants(endpoint, event, read))
    .map(({ id, ordering, maxHoldSeconds, includeStale, payload }): Planned => {
      return {
        destination: id,
        ordering,
        maxHoldSeconds,
        includeStale,
        payload: payload === "full" ? undefined : payload,
      };
    });
  return accounts.length > 0 && isTold(event.type)
    ? [...webhooks, ...notices(accounts, event, minAuthenticity)]
    : webhooks;
}

/** Messages to the event's user, on each channel that the merchant has an account for. */
function notices(
  accounts: ChannelAccount[],
  { livemode, origin }: PaymentEvent,
  minAuthenticity?: Authenticity,
): Planned[] {
  const skip = whyUntold({ livemode, stale: false, authenticity: origin?.authenticity ?? null, minAuthenticity });
  return accounts.map(({ channel }) => ({
    destination: channel,
    ordering: "user",
    maxHoldSeconds: PEOPLE_MAX_HOLD_SECONDS,
    includeStale: false,
    ...(skip && { skip }),
  }));
}

/** A phone that is off for an hour holds up no later news. */
const PEOPLE_MAX_HOLD_SECONDS = 3_600;

/** What an endpoint wants, read once as long as the copy that it belongs to: not at every event. */
interface Wishes {
  isOfType: (type: string) => boolean;
  passes: Prepared | null;
}

const prepared = new WeakMap<Endpoint, Wishes>();

function wishesOf(endpoint: Endpoint): Wishes {
  const known = prepared.get(endpoint);
  if (known !== undefined) {
    return known;
  }
  const { eventTypes, filter } = endpoint;
  const wishes = {
    isOfType: eventTypes === null ? (type: string) => !isOperational(type) : prepareTypes(eventTypes),
    passes: filter === null ? null : prepareFilter(filter),
  };
  prepared.set(endpoint, wishes);
  return wishes;
}

function wants(endpoint: Endpoint, event: PaymentEvent, read: () => Reading): boolean {
  const { isOfType, passes } = wishesOf(endpoint);
  return (
    isOfType(event.type) &&
    (endpoint.livemode === null || endpoint.livemode === event.livemode) &&
    (passes === null || passes(read()))
  );
}
