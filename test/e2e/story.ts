import { rm } from "node:fs/promises";

import { merchantOf, newMerchant, post, setFaults, type Merchant } from "./client.ts";
import { newState, startWorker, type WorkerProcess } from "./process.ts";
import { startReceiver, type Received, type Receiver } from "./receiver.ts";

/** Retries come quickly, so that a story ends within a test. */
export const QUICK = Array.from({ length: 20 }, () => 1);

/** A running Worker with one merchant, and a receiver at the merchant's one endpoint. */
export interface Story {
  receiver: Receiver;
  merchant: Merchant;
  /** Of the endpoint. */
  secret: string;
  post(event: Record<string, unknown>): Promise<{ id: string; sequence: number | null; status: string }>;
  /** Posts events as one batch; their ids. */
  postAll(events: Record<string, unknown>[]): Promise<string[]>;
  faults(faults: Record<string, unknown>): Promise<void>;
  /** Kills the Worker's process group. */
  kill(): Promise<void>;
  /** Starts it again on the same state, at the same address. */
  restart(): Promise<void>;
  end(): Promise<void>;
}

/** Starts a Worker with short leases, a receiver and a merchant with one endpoint. */
export async function startStory(
  options: { vars?: Record<string, string>; endpoint?: Record<string, unknown> } = {},
): Promise<Story> {
  const vars = { LEASE_MS: "3000", START_BY_MS: "1500", ...options.vars };
  const state = await newState();
  let worker: WorkerProcess = await startWorker(state, vars);
  let secret = "";
  const receiver = await startReceiver(() => secret);
  const story: Story = {
    receiver,
    merchant: await newMerchant(worker.url),
    secret: "",
    post: (event) => post(() => story.merchant, event),
    postAll: async (events) => {
      const { json } = await story.merchant.call<{ data: { id: string }[] }>("POST", "/v1/events", events);
      return json.data.map(({ id }) => id);
    },
    faults: (faults) => setFaults(story.merchant.url, faults),
    kill: () => worker.kill(),
    restart: async () => {
      worker = await startWorker(state, vars, Number(new URL(worker.url).port));
      story.merchant = merchantOf(worker.url, story.merchant.apiKey);
    },
    end: async () => {
      await worker.kill();
      await receiver.close();
      await rm(state, { recursive: true });
    },
  };
  const made = await story.merchant.endpoint({
    url: `${receiver.url}/hook`,
    retrySchedule: QUICK,
    timeoutSeconds: 5,
    ...options.endpoint,
  });
  ({ secret } = made);
  story.secret = secret;
  return story;
}

/** A canonical event of a user; each is a payment of its own. */
export function eventOf(user: string, name: string): Record<string, unknown> {
  return {
    id: name,
    type: "payment.succeeded",
    user,
    data: { payment: { id: `p_${name}`, amount: { value: "1999", currency: "EUR" } } },
  };
}

/** The first success of each event, in the order of arrival. */
export function firstSuccesses(received: Received[]): Received[] {
  const seen = new Set<string>();
  return received.filter(({ id, status }) => status < 300 && !seen.has(id) && seen.add(id));
}

/** What is wrong with the order of a lane's first successes: gaps that `previous` shows, and steps back. */
export function orderFaults(received: Received[]): string[] {
  const lanes = Map.groupBy(firstSuccesses(received), ({ body }) => body.user);
  return [...lanes].flatMap(([user, lane]) =>
    lane.flatMap(({ body }, i) => {
      const before = lane[i - 1]?.body.sequence ?? null;
      return body.previous === before
        ? []
        : [`${user}: ${body.sequence} says ${body.previous} was before, it was ${before}`];
    }),
  );
}
