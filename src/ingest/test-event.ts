import type { Payload } from "../event/envelope.ts";
import { deliveryId } from "../event/ids.ts";
import type { EventType } from "../event/event-types.ts";
import { sampleEvent, TEST_SOURCE } from "../event/sample.ts";
import { acceptEvents } from "./accept.ts";
import type { RequestContext } from "./enqueue.ts";
import { identify } from "./identity.ts";

/**
 * Sends a made-up event to one endpoint and to nobody else, whatever the endpoint wants otherwise, and beside its
 * lanes: a test waits for nothing. Null: no outbox takes it now. `now`: epoch ms.
 */
export async function acceptTest(
  request: RequestContext,
  merchant: string,
  endpoint: { id: string; payload: Payload },
  type: EventType,
  now: number,
): Promise<{ event: string; delivery: string } | null> {
  const name = crypto.randomUUID();
  const event = sampleEvent(type, name, now);
  const [taken] = await acceptEvents(request, [
    {
      ...(await identify({ merchant, source: TEST_SOURCE }, [name], event, event, now)),
      onDifference: "note",
      receivedAt: now,
      merchant,
      source: TEST_SOURCE,
      event,
      plan: [
        {
          destination: endpoint.id,
          ordering: "none",
          maxHoldSeconds: 0,
          includeStale: true,
          payload: endpoint.payload,
        },
      ],
    },
  ]);
  return taken && "id" in taken ? { event: taken.id, delivery: deliveryId(taken.id, endpoint.id) } : null;
}
