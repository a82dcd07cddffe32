import { connect, type ConfirmChannel, type ChannelModel, type GetMessage, type Options } from "amqplib";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freePort } from "../e2e/process.ts";

/** Debian's; past the wrapper in /usr/sbin, which would run as the user of the system's own RabbitMQ. */
const BIN = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/** A message to publish. */
export interface Publishing {
  body: string | Buffer;
  options?: Options.Publish;
}

/** A RabbitMQ of the test's own, on loopback alone, with a client that looks at its queues. */
export interface RabbitMq {
  /** amqp:// and where it listens. */
  url: string;
  /** Makes a durable queue, as its owner does. */
  declare(queue: string, options?: Options.AssertQueue): Promise<void>;
  /** Publishes persistent messages in their order; resolves when the broker has them all. */
  publish(queue: string, messages: Publishing[]): Promise<void>;
  /** How many messages wait there; those that a consumer has in hand do not. */
  count(queue: string): Promise<number>;
  remove(queue: string): Promise<void>;
  /** Takes all messages out. */
  drain(queue: string): Promise<GetMessage[]>;
  /** Ends it (`SIGTERM`: as a service is stopped; `SIGKILL`: as in a crash) and starts it again on what it has stored. */
  restart(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  end(): Promise<void>;
}

/** Starts a RabbitMQ in a temporary folder; resolves when it takes connections. */
export async function startRabbitMq(): Promise<RabbitMq> {
  const folder = await mkdtemp(join(tmpdir(), "paybell-rabbitmq-"));
  const [port, distPort, epmdPort] = [await freePort(), await freePort(), await freePort()];
  const local = { ERL_EPMD_ADDRESS: "127.0.0.1", ERL_EPMD_PORT: String(epmdPort) };
  const env = {
    PATH: process.env["PATH"],
    LANG: "C.UTF-8",
    // The cookie of Erlang is made there.
    HOME: folder,
    ...local,
    RABBITMQ_NODENAME: `paybell-${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
    RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
    RABBITMQ_LOG_BASE: join(folder, "log"),
    RABBITMQ_LOGS: "-",
    RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq.conf"),
    RABBITMQ_CONF_ENV_FILE: join(folder, "env.conf"),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "enabled_plugins"),
  };
  await mkdir(join(folder, "mnesia"));
  await writeFile(env.RABBITMQ_CONFIG_FILE, "");
  await writeFile(env.RABBITMQ_CONF_ENV_FILE, "");
  await writeFile(env.RABBITMQ_ENABLED_PLUGINS_FILE, "[].");
  // Erlang would start one by itself, which nobody ends.
  const epmd = spawn("/usr/bin/epmd", ["-address", "127.0.0.1", "-port", String(epmdPort)], { env, stdio: "ignore" });
  let broker = await startBroker(env);
  const url = `amqp://127.0.0.1:${port}`;

  const on = async <T>(work: (channel: ConfirmChannel) => Promise<T>): Promise<T> => {
    const connection: ChannelModel = await connect(url);
    try {
      const channel = await connection.createConfirmChannel();
      // What the broker refuses, the call that asked for it rejects with.
      channel.on("error", () => {});
      return await work(channel);
    } finally {
      await connection.close();
    }
  };
  return {
    url,
    declare: (queue, options) =>
      on(async (channel) => void (await channel.assertQueue(queue, { durable: true, ...options }))),
    publish: (queue, messages) =>
      on(async (channel) => {
        for (const { body, options } of messages) {
          channel.sendToQueue(queue, Buffer.from(body), { persistent: true, mandatory: true, ...options });
        }
        await channel.waitForConfirms();
      }),
    count: (queue) => on(async (channel) => (await channel.checkQueue(queue)).messageCount),
    remove: (queue) => on(async (channel) => void (await channel.deleteQueue(queue))),
    drain: (queue) =>
      on(async (channel) => {
        const messages: GetMessage[] = [];
        for (;;) {
          const message = await channel.get(queue, { noAck: true });
          if (message === false) return messages;
          messages.push(message);
        }
      }),
    restart: async (signal) => {
      await endGroup(broker, signal);
      broker = await startBroker(env);
    },
    end: async () => {
      await endGroup(broker, "SIGKILL");
      epmd.kill();
      await rm(folder, { recursive: true });
    },
  };
}

/** Resolves when it says that it has started; rejects with all that it said if it ends before. */
async function startBroker(env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const child = spawn(BIN, [], { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  await new Promise<void>((resolve, reject) => {
    const listen = (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("Server startup complete")) resolve();
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`RabbitMQ ended with ${code}:\n${text}`)));
  });
  return child;
}

async function endGroup(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  const exited = once(child, "exit");
  process.kill(-child.pid!, signal);
  await exited;
}
