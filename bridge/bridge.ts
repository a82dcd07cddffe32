// `npm run bridge -- --amqp amqp://… --queue payment_queue --source src_… --map map.json`: posts the messages of a
// RabbitMQ queue to a source of Paybell, signed and in order, and acknowledges what Paybell has accepted.
// docs/rabbitmq.md

import { connect, type ChannelModel } from "amqplib";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

import { log } from "../src/platform/log.ts";
import { Forwarder } from "./forwarder.ts";
import { readOptions, USAGE, UsageError, type Options } from "./options.ts";
import { openSession, type Session } from "./session.ts";

/** What is being posted when we are told to stop may take so long to end. */
const STOP_MS = 10_000;
/** RabbitMQ may take so long to say good-bye. */
const CLOSE_MS = 3_000;
/** How long RabbitMQ may take to let us in; if it falls silent later, it is given up after two heartbeats. */
const CONNECT_MS = 10_000;
const HEARTBEAT_SECONDS = 15;
/** Pauses between tries to connect, in ms. */
const RECOVERY = { initialDelay: 200, maxDelay: 10_000 };
/** What is configured wrongly, as sysexits.h has it: starting again does not help. */
const EX_CONFIG = 78;
/** What RabbitMQ answers where waiting does not help: refused, not found, no such virtual host. */
const HOPELESS = /\b(403|404|530) \([A-Z-]+\)/;

/** Runs until `stopping` aborts, or nothing can be done without somebody: resolves with why then, else with null. */
async function run(options: Options, stopping: AbortController): Promise<string | null> {
  let failure: string | null = null;
  let latest: { session: Session; forwarder: Forwarder } | null = null;
  const counts = { connections: 0, accepted: 0, deadLettered: 0, held: 0 };
  const fail = (reason: string) => {
    failure ??= reason;
    stopping.abort();
  };

  const begin = async (connection: ChannelModel): Promise<void> => {
    const forwarder = new Forwarder({ options, stopping: stopping.signal, counts, fail });
    const session = await openSession(connection, {
      ...options,
      connect: () => connect(...addressOf(options, "dead letters")),
      onMessage: (session, message) => void forwarder.take(session, message),
    });
    counts.connections += 1;
    latest = { session, forwarder };
    log.info("bridge.consuming", { queue: options.queue });
    if (session.others > 0) log.warn("bridge.not_alone", { queue: options.queue, others: session.others });
  };
  const [url, socket] = addressOf(options, "bridge");
  const connection = await connect(url, { ...socket, recovery: { ...RECOVERY, waitForConnect: false, setup: begin } });
  // It comes again as what it leads to.
  connection.on("error", () => {});
  connection.on("disconnect", ({ message }) => log.warn("bridge.disconnected", { reason: message }));
  connection.on("connect-failed", ({ message }) => {
    log.warn("bridge.not_connected", { reason: message });
    // Later on, what is missing may be on its way back, as in a cluster.
    if (counts.connections === 0 && HOPELESS.test(message)) fail(`RabbitMQ refuses: ${message}`);
  });

  if (!stopping.signal.aborted) await once(stopping.signal, "abort");
  const last = latest as { session: Session; forwarder: Forwarder } | null;
  if (last !== null) {
    await within(CLOSE_MS, last.session.cancel());
    await within(STOP_MS, last.forwarder.ended());
    await within(CLOSE_MS, last.session.close());
  }
  await within(CLOSE_MS, connection.close());
  log.info("bridge.stopped", counts);
  return failure;
}

/** How to reach RabbitMQ, under a name that its management shows. */
function addressOf({ amqp, queue }: Options, what: string) {
  const url = new URL(amqp);
  if (!url.searchParams.has("heartbeat")) url.searchParams.set("heartbeat", String(HEARTBEAT_SECONDS));
  const clientProperties = { connection_name: `paybell ${what}: ${queue}` };
  return [url.href, { timeout: CONNECT_MS, noDelay: true, clientProperties }] as const;
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  await Promise.race([work, delay(ms, undefined, { ref: false })]);
}

if (process.argv.includes("--help") || process.argv.includes("-h")) {
  process.stdout.write(`${USAGE}\n`);
  process.exit(0);
}
const stopping = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stopping.abort());
try {
  const failure = await run(await readOptions(process.argv.slice(2), process.env), stopping);
  if (failure !== null) log.error("bridge.failed", { reason: failure });
  process.exit(failure === null ? 0 : EX_CONFIG);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n\n${USAGE}\n`);
  process.exit(EX_CONFIG);
}
