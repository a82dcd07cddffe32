import type { Channel, ChannelModel, ConfirmChannel, ConsumeMessage } from "amqplib";
import { setTimeout as delay } from "node:timers/promises";

import { log } from "../src/platform/log.ts";

/** Pauses between tries to put a message into dead letters that are full. */
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;

/** What a session consumes from and what it does with a message; `connect` opens another connection of its own. */
export interface SessionInput {
  queue: string;
  deadLetter: string;
  prefetch: number;
  connect: () => Promise<ChannelModel>;
  /** Called for each message, in the order of the queue. */
  onMessage: (session: Session, message: ConsumeMessage) => void;
}

/**
 * One life of the connection to RabbitMQ. When anything of it ends (a connection, a channel, the consumer), all of it
 * does: `over` aborts, nothing is acknowledged any more, and RabbitMQ hands out again what was not.
 */
export interface Session {
  over: AbortSignal;
  /** How many others consume from the queue: with them there is no order. */
  others: number;
  /** Takes a message off the queue. */
  ack(message: ConsumeMessage): void;
  /** Puts a message into the dead letters, with the reason, and takes it off the queue if it is safe there: whether. */
  bury(message: ConsumeMessage, reason: string): Promise<boolean>;
  /** No more messages come after this. */
  cancel(): Promise<void>;
  /** Ends the session once RabbitMQ has heard all that was acknowledged. */
  close(): Promise<void>;
}

/**
 * Begins to consume on a connection. The source's queue is only looked at: it belongs to whoever made it. Dead letters
 * have a connection of their own, since RabbitMQ stops reading from one that publishes while it is short of memory or
 * disk, and acknowledgements must go on. Rejects where the queue is missing (`code` 404), or not ours to read (403).
 */
export async function openSession(consuming: ChannelModel, input: SessionInput): Promise<Session> {
  const over = new AbortController();
  // What is wrong comes again as the end of the connection, or as what cannot be done.
  consuming.on("error", () => {});
  const burying = await input.connect();
  const end = () => {
    if (over.signal.aborted) return;
    over.abort();
    void Promise.allSettled([consuming.close(), burying.close()]);
  };
  burying.on("error", end).on("close", end);
  consuming.on("close", end);
  try {
    const source = await consuming.createChannel();
    source.on("error", end).on("close", end);
    const { consumerCount } = await source.checkQueue(input.queue);
    await ensureQueue(burying, input.deadLetter);
    const graves = await burying.createConfirmChannel();
    // Returned: the queue of dead letters is gone. What was sent there is not safe, and is confirmed all the same.
    graves.on("error", end).on("close", end).on("return", end);
    await source.prefetch(input.prefetch);
    return await consume(source, graves, { input, over: over.signal, others: consumerCount, end });
  } catch (error) {
    end();
    throw error;
  }
}

/** Makes a durable queue if there is none of this name; one that is there is left as it is, of whatever type. */
async function ensureQueue(connection: ChannelModel, queue: string): Promise<void> {
  const looking = await connection.createChannel();
  looking.on("error", () => {});
  const isThere = await looking.checkQueue(queue).then(
    () => true,
    () => false,
  );
  // RabbitMQ closes a channel that asked for what is not there.
  const channel = isThere ? looking : await connection.createChannel();
  if (!isThere) {
    channel.on("error", () => {});
    await channel.assertQueue(queue, { durable: true });
  }
  await channel.close();
}

async function consume(
  source: Channel,
  graves: ConfirmChannel,
  { input, over, others, end }: { input: SessionInput; over: AbortSignal; others: number; end: () => void },
): Promise<Session> {
  const ack = (message: ConsumeMessage) => {
    if (over.aborted) return;
    try {
      source.ack(message);
    } catch {
      // The channel is closing.
      end();
    }
  };
  const session: Session = {
    over,
    others,
    ack,
    bury: async (message, reason) => {
      for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
        const isSafe = await publish(graves, input.deadLetter, message, { queue: input.queue, reason });
        // RabbitMQ confirms what it had to return, too: the session is over then.
        if (over.aborted) return false;
        if (isSafe) break;
        log.warn("bridge.dead_letter_refused", { reason });
        await delay(pause, undefined, { signal: over }).catch(() => {});
      }
      ack(message);
      return true;
    },
    cancel: async () => {
      if (!over.aborted) await source.cancel(consumerTag).catch(end);
    },
    close: async () => {
      if (!over.aborted) {
        // Given back, so that no quorum queue counts it as a failure (RabbitMQ 4.3).
        source.nackAll(true);
        await source.close().catch(end);
      }
      end();
    },
  };
  const { consumerTag } = await source.consume(input.queue, (message) => {
    // Null: RabbitMQ has ended the consumer, as when the queue is deleted.
    if (message === null) end();
    else if (!over.aborted) input.onMessage(session, message);
  });
  return session;
}

/** Publishes a copy with the reason; whether RabbitMQ says that it has it. */
async function publish(
  graves: ConfirmChannel,
  deadLetter: string,
  { content, fields, properties }: ConsumeMessage,
  { queue, reason }: { queue: string; reason: string },
): Promise<boolean> {
  // Left out: what would make the copy expire, be refused for another's name, or be sent to more queues.
  const { expiration: _expiration, userId: _userId, clusterId: _clusterId, headers, ...kept } = properties;
  const { CC: _cc, BCC: _bcc, ...others } = headers ?? {};
  const ours = {
    "x-paybell-reason": reason,
    "x-paybell-queue": queue,
    "x-paybell-exchange": fields.exchange,
    "x-paybell-routing-key": fields.routingKey,
  };
  const send = (headers: Record<string, unknown>) =>
    new Promise<boolean>((resolve) => {
      const options = { ...kept, headers, persistent: true, mandatory: true };
      graves.sendToQueue(deadLetter, content, options, (error) => resolve(error === null));
    });
  try {
    return await send({ ...others, ...ours }).catch(() => send(ours));
  } catch {
    return false;
  }
}
