/** A delivery is unfinished in one of these. SQL. */
export const UNFINISHED = "('pending', 'retrying')";

/** The deliveries `d` of the row of `events` that a statement is at, for an EXISTS. SQL, goes on with AND. */
export const DELIVERIES_OF_ROW = `deliveries d WHERE d.merchant = events.merchant
  AND d.id > 'dlv_' || substr(events.id, 5) || '_' AND d.id < 'dlv_' || substr(events.id, 5) || '_~'`;

/** Where the deliveries of an event are in the primary key: their ids begin with its own. Both ends are free. */
export function deliveryRange(event: string): { from: string; to: string } {
  const from = `dlv_${event.slice("evt_".length)}_`;
  return { from, to: `${from}~` };
}
