import { z } from "@hono/zod-openapi";

import { CanonicalEvent } from "../event/canonical.ts";

const MAX_BATCH = 100;

/** One canonical event. */
export const NewEvent = CanonicalEvent.openapi("NewEvent");

/** One event, or up to 100 that are taken all or not at all. */
export const NewEvents = z.union([NewEvent, z.array(NewEvent).min(1).max(MAX_BATCH)]);
