import type { EventData } from "../event/event.ts";
import type { EventType } from "../event/event-types.ts";
import type { Json } from "./json.ts";

/**
 * What one type of a provider's is here. `type`: a canonical one, or what the object's state decides; `read`: what the
 * event is about.
 */
export interface Mapping {
  type: EventType | ((object: Json) => EventType);
  read: (object: Json, event: Json) => EventData;
}

/** The canonical type of an event of a mapped type, and what it is about. `object`: what the event brings. */
export function readMapped(mapping: Mapping, object: Json, event: Json): { type: EventType; data: EventData } {
  const type = typeof mapping.type === "string" ? mapping.type : mapping.type(object);
  return { type, data: mapping.read(object, event) };
}
