import type { Seen } from "./receiver.ts";

/** An event as the log shows it in the end. */
export interface Logged {
  id: string;
  sequence: number | null;
  deliveries: {
    id: string;
    event: string;
    endpoint: string;
    status: string;
    attempts: { number: number; at: string; durationMs: number; class: string; status?: number }[];
  }[];
}

/** All that is known of a run when everything is finished. */
export interface Outcome {
  /** Final ids of all events that were answered with a 2xx. */
  accepted: Set<string>;
  endpoints: { id: string; name: string; ordering: "user" | "payment" | "none"; rateLimit: number | null }[];
  logged: Map<string, Logged>;
  metrics: { finished: number; delivered: number };
  /** The receiver's own record. */
  seen: Seen[];
  /** Nothing was killed and no message came twice: log and receiver have to agree to the last attempt. */
  isExact: boolean;
}

type Endpoint = Outcome["endpoints"][number];

/** For how long an attempt may be on its way between its turn at the gate and the receiver. */
const ON_THE_WAY_MS = 3_000;
const WINDOW_MS = 2_000;

/** What must not be, in words; nothing where all is well. */
export function wrongsOf(outcome: Outcome): string[] {
  return [
    ...strangers(outcome),
    ...outcome.endpoints.flatMap((endpoint) => [
      ...undelivered(outcome, endpoint),
      ...outOfOrder(outcome, endpoint),
      ...overLimit(outcome, endpoint),
    ]),
    ...miscounted(outcome),
  ];
}

/** Nothing arrives that nobody posted. */
function strangers({ seen, accepted }: Outcome): string[] {
  const unknown = new Set(seen.filter(({ event }) => !accepted.has(event)).map(({ event }) => event));
  return [...unknown].map((event) => `${event} was delivered, but is no event that was accepted`);
}

/** Every accepted event has a delivery to every endpoint, delivered or exhausted, and the receiver's record agrees. */
function undelivered({ logged, seen, isExact }: Outcome, { id, name }: Endpoint): string[] {
  const arrivals = Map.groupBy(
    seen.filter(({ endpoint }) => endpoint === name),
    ({ event }) => event,
  );
  return [...logged.values()].flatMap((event) => {
    const delivery = event.deliveries.find(({ endpoint }) => endpoint === id);
    if (delivery === undefined) {
      return [`${event.id} has no delivery to ${name}`];
    }
    const { status, attempts } = delivery;
    const arrived = arrivals.get(event.id) ?? [];
    const isTaken = arrived.some((one) => isGood(one.status));
    const say = (what: string) => `${delivery.id} to ${name} ${what}`;
    const wrongs: string[] = [];
    if (status !== "delivered" && status !== "exhausted") wrongs.push(say(`is ${status}`));
    if (status === "delivered" && !isTaken) wrongs.push(say("was never taken, the log says delivered"));
    if (status === "exhausted" && isTaken && isExact) wrongs.push(say("was taken, the log says exhausted"));
    if (attempts.some((one) => one.class === "delivered") !== (status === "delivered")) {
      wrongs.push(say(`is ${status}, its attempts: ${attempts.map((one) => one.class).join()}`));
    }
    for (const code of new Set([...attempts, ...arrived].map((one) => one.status ?? null))) {
      const [written, met] = [attempts, arrived].map(
        (all) => all.filter((one) => (one.status ?? null) === code).length,
      );
      const isCertain = code !== null && isExact;
      if (code === null ? false : isCertain ? written !== met : written! > met!) {
        wrongs.push(say(`was answered ${code} ${met} times, the log has ${written}`));
      }
    }
    return wrongs;
  });
}

/** In a lane, an event arrives only once every earlier one has been taken, or is exhausted. */
function outOfOrder({ logged, seen }: Outcome, { id, name, ordering }: Endpoint): string[] {
  if (ordering === "none") return [];
  const here = seen.filter(({ endpoint }) => endpoint === name);
  const lanes = Map.groupBy(here, ({ user, payment }) => (ordering === "user" ? user : payment));
  return [...lanes].flatMap(([lane, arrivals]) => {
    const events = [...Map.groupBy(arrivals, ({ event }) => event).values()];
    const all = events
      .map((ofOne) => ({
        event: ofOne[0]!.event,
        sequence: ofOne[0]!.sequence,
        begun: Math.min(...ofOne.map(({ at }) => at)),
        over: Math.min(
          ...ofOne.filter(({ status }) => isGood(status)).map(({ doneAt }) => doneAt),
          exhaustedAt(logged.get(ofOne[0]!.event), id),
        ),
      }))
      .toSorted((a, b) => a.sequence - b.sequence);
    return all.flatMap((one, n) =>
      all
        .slice(0, n)
        .filter(({ over }) => over > one.begun)
        .map(({ sequence }) => `${name}: ${one.sequence} of ${lane} began before ${sequence} was over`),
    );
  });
}

/** When a delivery was given up; Infinity: it was not. */
function exhaustedAt(event: Logged | undefined, endpoint: string): number {
  const delivery = event?.deliveries.find((one) => one.endpoint === endpoint);
  return delivery?.status === "exhausted"
    ? Math.max(...delivery.attempts.map(({ at, durationMs }) => Date.parse(at) + durationMs))
    : Infinity;
}

/** No window of time holds more attempts than the endpoint takes. */
function overLimit({ seen }: Outcome, { name, rateLimit }: Endpoint): string[] {
  if (rateLimit === null) return [];
  const times = seen
    .filter(({ endpoint }) => endpoint === name)
    .map(({ at }) => at)
    .toSorted((a, b) => a - b);
  const most = Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + WINDOW_MS).length));
  const limit = (rateLimit * (WINDOW_MS + ON_THE_WAY_MS)) / 1_000 + 1;
  return most > limit ? [`${name}: ${most} attempts in ${WINDOW_MS} ms, at most ${limit} may be`] : [];
}

/** The metrics count what the log shows. */
function miscounted({ logged, metrics }: Outcome): string[] {
  const statuses = [...logged.values()].flatMap(({ deliveries }) => deliveries.map(({ status }) => status));
  const delivered = statuses.filter((status) => status === "delivered").length;
  const finished = delivered + statuses.filter((status) => status === "exhausted").length;
  return metrics.delivered === delivered && metrics.finished === finished
    ? []
    : [`The metrics say ${metrics.delivered} of ${metrics.finished}, the log ${delivered} of ${finished}`];
}

function isGood(status: number | null): boolean {
  return status !== null && status < 300;
}
