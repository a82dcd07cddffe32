import type { PaymentEvent } from "../event/event.ts";
import { merchantConfig } from "../store/config.ts";
import { acceptEvents, type Taken } from "./accept.ts";
import type { RequestContext } from "./enqueue.ts";
import { identify } from "./identity.ts";
import { plan } from "./plan.ts";

/** The source of events that merchants post themselves. */
const POSTED = "api";

/** One validated event of `POST /v1/events`: `input` as it was sent, for telling a repetition from another event. */
export interface PostedEvent {
  id: string;
  input: unknown;
  event: PaymentEvent;
}

/**
 * Takes in what a merchant posted, at `now` (epoch ms). `hops`: the other installations that it has come through;
 * undefined: none. One result an event, in order; `over-quota`: none was taken, the merchant has used up its events of
 * this month. A provider's events are taken all the same: they have happened.
 */
export async function acceptPosted(
  request: RequestContext,
  merchant: string,
  inputs: PostedEvent[],
  { hops, now }: { hops: string | undefined; now: number },
): Promise<Taken[] | "over-quota"> {
  const config = await merchantConfig(request.env, merchant);
  if (!config.ok || config.value === null) {
    return inputs.map(() => ({ status: "unavailable" }));
  }
  const { value } = config;
  if (value.isOverQuota) {
    return "over-quota";
  }
  const events = inputs.map(async ({ id, input, event }) => ({
    ...(await identify({ merchant, source: POSTED }, [id], event, input, now)),
    onDifference: "conflict" as const,
    receivedAt: now,
    merchant,
    source: POSTED,
    hops,
    event,
    plan: plan(value, event),
  }));
  return acceptEvents(request, await Promise.all(events));
}
