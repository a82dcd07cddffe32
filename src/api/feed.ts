import { idFrom } from "../event/ids.ts";
import { positionFrom, readFeed, type FeedPage } from "../store/feed.ts";
import { invalid } from "./field-errors.ts";

/** How often the log is looked at while a caller waits. */
const LOOK_MS = 1_000;

/** What a caller of the feed asks for: `wait` in seconds, `since` an ISO 8601 time. */
interface FeedQuery {
  order: "asc" | "desc";
  limit: number;
  wait: number;
  after?: string | undefined;
  since?: string | undefined;
}

/** The next events of the feed; waits for them if there are none yet. */
export async function nextOfFeed(
  db: D1Database,
  merchant: string,
  { order, limit, wait, after, since }: FeedQuery,
): Promise<FeedPage> {
  if (order !== "asc") {
    throw invalid("/wait", "invalid_value", "Only a list in the order of time can be waited for: order=asc");
  }
  const start = after ?? (since === undefined ? "" : idFrom("evt", Date.parse(since)).slice("evt_".length));
  const position = start === "" ? start : positionFrom(start);
  if (position === null) {
    throw invalid("/after", "invalid_cursor", "Send the `next` of the page before, unchanged, or the id of an event");
  }
  const until = Date.now() + wait * 1000;
  let page = await readFeed(db, merchant, { after: position, limit });
  while (page.rows.length === 0 && Date.now() < until) {
    if (page.isCaughtUp) {
      await scheduler.wait(Math.min(LOOK_MS, Math.max(0, until - Date.now())));
    }
    page = await readFeed(db, merchant, { after: page.next, limit });
  }
  return page;
}
