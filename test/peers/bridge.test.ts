import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import type { Received } from "../e2e/receiver.ts";
import { firstSuccesses, startStory, type Story } from "../e2e/story.ts";
import { startBridge, type BridgeProcess } from "./bridge-process.ts";
import { startRabbitMq, type Publishing, type RabbitMq } from "./rabbitmq.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const MAP = {
  user: "/user_id",
  status: "/status",
  types: { success: "payment.succeeded", failed: "payment.failed" },
  amount: "/amount",
  currency: { value: "USD" },
  reference: { pointer: "/n", optional: true },
};

const USERS = 40;
const MESSAGES = 5000;
/** For what takes a minute or two, and on a busy machine five. */
const LONG_MS = 450_000;
/** The events of a Worker that is killed come again after so long; shorter, a busy machine does all work twice. */
const LEASES = { LEASE_MS: "15000", START_BY_MS: "7500" };

/** Each kind of message that becomes no event, with the reason that stands in its dead letter. */
const POISON = [
  { reason: "not_a_json_object", body: (n: number) => `{"n": ${n}, "status": "succ` },
  { reason: "status_unusable", body: (n: number) => JSON.stringify({ n, user_id: 1, amount: 1, status: "odd" }) },
  { reason: "user_missing", body: (n: number) => JSON.stringify({ n, amount: 1, status: "success" }) },
  { reason: "amount_unusable", body: (n: number) => JSON.stringify({ n, user_id: 1, amount: 0.5, status: "success" }) },
];

/** The message with this number, which is also its place in the queue. */
function paymentOf(n: number): Publishing {
  const body = { user_id: n % USERS, amount: 100 + n, status: n % 7 === 0 ? "failed" : "success", n };
  return { body: JSON.stringify(body), options: { messageId: `m-${n}` } };
}

/** The id of the message that an event was. */
function idOf({ body }: Received): string {
  return (body.data["provider"] as { eventId: string }).eventId;
}

/** The place of that message in the queue. */
function numberOf(one: Received): number {
  return Number(idOf(one).slice("m-".length));
}

/** Events that came after one of their user whose message was behind theirs in the queue. */
function outOfOrder(received: Received[]): string[] {
  const lanes = [...Map.groupBy(received, ({ body }) => body.user).values()];
  return lanes.flatMap((lane) => lane.filter((one, i) => i > 0 && numberOf(one) < numberOf(lane[i - 1]!)).map(idOf));
}

describe("the bridge", () => {
  let story: Story;
  let rabbit: RabbitMq;
  let source: string;
  let folder: string;
  let queue = "";
  let number = 0;
  const started = new Set<BridgeProcess>();

  beforeAll(async () => {
    [story, rabbit] = await Promise.all([startStory({ vars: LEASES }), startRabbitMq()]);
    const input = { provider: "standard", secrets: [SECRET] };
    source = (await story.merchant.call<{ id: string }>("POST", "/v1/sources", input)).json.id;
    folder = await mkdtemp(join(tmpdir(), "paybell-bridge-"));
    await writeFile(join(folder, "map.json"), JSON.stringify(MAP));
  });
  afterAll(async () => {
    await Promise.all([story?.end(), rabbit?.end()]);
    if (folder) await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    queue = `payment_queue_${++number}`;
    story.receiver.received.length = 0;
    await rabbit.declare(queue);
  });

  afterEach(() => {
    started.forEach((running) => running.kill("SIGKILL"));
    started.clear();
  });

  const bridge = (args: Record<string, string> = {}, secret = SECRET): BridgeProcess => {
    const running = startBridge(
      { amqp: rabbit.url, queue, source, map: join(folder, "map.json"), url: story.merchant.url, ...args },
      { PAYBELL_SECRET: secret },
    );
    started.add(running);
    return running;
  };
  const namesOf = ({ lines }: BridgeProcess) => lines.map(({ message }) => message);

  it("makes an event of a message, and leaves when it is told to", async () => {
    const running = bridge();
    const body = '{"user_id": 1, "amount": 100, "status": "success"}';
    await rabbit.publish(queue, [{ body, options: { messageId: "m-first" } }]);
    await story.receiver.until((received) => received.length > 0, "the event");
    expect(story.receiver.received[0]!.body).toMatchObject({
      type: "payment.succeeded",
      user: "1",
      data: {
        payment: { id: "m-first", amount: { value: "100", currency: "USD" } },
        provider: { name: "standard", source, eventId: "m-first" },
      },
    });
    running.kill("SIGTERM");
    expect(await running.exited).toBe(0);
    expect(namesOf(running)).toEqual(["bridge.consuming", "bridge.stopped"]);
    expect(await rabbit.count(queue)).toBe(0);
  });

  it(
    "loses nothing and keeps the order while everything is restarted",
    async () => {
      const poison = new Map<string, string>();
      const events = new Set<string>();
      // Of each hundred one becomes no event, and one is a message that was there before.
      const messages = Array.from({ length: MESSAGES }, (_, n) => {
        if (n % 100 === 50) {
          const { reason, body } = POISON[Math.floor(n / 100) % POISON.length]!;
          poison.set(body(n), reason);
          return { body: body(n), options: { messageId: `m-${n}` } };
        }
        if (n % 100 === 99) return paymentOf(n - 60);
        events.add(`m-${n}`);
        return paymentOf(n);
      });
      await rabbit.publish(queue, messages);

      let running = bridge();
      const ran = [running];
      const killAndStart = async () => {
        running.kill("SIGKILL");
        expect(await running.exited).toBeNull();
        running = bridge();
        ran.push(running);
      };
      /** Waits until the bridge has taken so many messages, the last hundred of which it has in hand. */
      const progress = async (taken: number) => {
        const count = async () => MESSAGES - (await rabbit.count(queue));
        await expect.poll(count, { timeout: LONG_MS, interval: 100 }).toBeGreaterThan(taken);
      };

      await progress(400);
      await killAndStart();
      await progress(1200);
      await rabbit.restart("SIGTERM");
      await progress(2000);
      await story.kill();
      await running.line("bridge.held");
      await story.restart();
      await progress(2800);
      await rabbit.restart("SIGKILL");
      await progress(3600);
      await story.kill();
      await killAndStart();
      await running.line("bridge.held");
      await story.restart();
      await progress(4400);
      await killAndStart();

      await story.receiver.until(
        (received) => new Set(firstSuccesses(received).map(idOf)).size === events.size,
        "every event",
        LONG_MS,
      );
      running.kill("SIGTERM");
      expect(await running.exited).toBe(0);

      const arrived = firstSuccesses(story.receiver.received);
      expect(new Set(arrived.map(idOf))).toEqual(events);
      // Each of them is one event, however often its message came.
      expect(arrived).toHaveLength(events.size);
      expect(outOfOrder(arrived)).toEqual([]);
      expect(await rabbit.count(queue)).toBe(0);
      const dead = await rabbit.drain(`${queue}.dead`);
      const reasons = dead.map(({ content, properties }) => [
        content.toString(),
        properties.headers!["x-paybell-reason"] as string,
      ]);
      expect(new Map(reasons as [string, string][])).toEqual(poison);
      expect(ran.flatMap(namesOf).filter((name) => !name.startsWith("bridge."))).toEqual([]);
      // It was there when the broker stopped and when it crashed.
      expect(namesOf(ran[1]!).filter((name) => name === "bridge.consuming")).toHaveLength(3);
    },
    2 * LONG_MS,
  );

  it("finishes what it has begun when it is told to stop", async () => {
    const total = 300;
    await rabbit.publish(
      queue,
      Array.from({ length: total }, (_, n) => paymentOf(n + 10_000)),
    );
    const first = bridge();
    // Not what is left over where a test before this one has failed.
    const ours = (received: Received[]) => firstSuccesses(received).filter((one) => numberOf(one) >= 10_000);
    await story.receiver.until((received) => ours(received).length >= 50, "progress");
    first.kill("SIGTERM");
    expect(await first.exited).toBe(0);
    const { accepted } = await first.line("bridge.stopped");
    // What was accepted is off the queue, what was not is on it.
    expect(await rabbit.count(queue)).toBe(total - (accepted as number));
    expect(accepted).toBeGreaterThanOrEqual(50);

    const second = bridge();
    await story.receiver.until((received) => ours(received).length === total, "the rest");
    second.kill("SIGTERM");
    expect(await second.exited).toBe(0);
    expect(await rabbit.count(queue)).toBe(0);
    expect(outOfOrder(ours(story.receiver.received))).toEqual([]);
  });

  it("makes dead letters that are the messages, and do not expire or go elsewhere", async () => {
    const options = {
      messageId: "m-poison",
      contentType: "application/json",
      timestamp: 1_795_521_600,
      userId: "guest",
      headers: { trace: "t-1", CC: [`${queue}.copy`] },
    };
    await rabbit.declare(`${queue}.copy`);
    const body = '{ "user_id": 12345678901234567890 }';
    await rabbit.publish(queue, [{ body, options: { ...options, expiration: "600000" } }]);
    await rabbit.drain(`${queue}.copy`);
    const running = bridge();
    await running.line("bridge.dead_lettered");
    running.kill("SIGTERM");
    expect(await running.exited).toBe(0);
    const [dead, ...others] = await rabbit.drain(`${queue}.dead`);
    expect(others).toEqual([]);
    expect(dead!.content.toString()).toBe(body);
    expect(dead!.properties).toMatchObject({
      messageId: "m-poison",
      contentType: "application/json",
      timestamp: 1_795_521_600,
      deliveryMode: 2,
      expiration: undefined,
      userId: undefined,
      headers: {
        trace: "t-1",
        "x-paybell-reason": "status_missing amount_missing",
        "x-paybell-queue": queue,
        "x-paybell-exchange": "",
        "x-paybell-routing-key": queue,
      },
    });
    expect(await rabbit.count(`${queue}.copy`)).toBe(0);
    expect(await rabbit.count(queue)).toBe(0);
  });

  it("keeps a message whose dead letter is refused until there is room", async () => {
    await rabbit.declare(`${queue}.dead`, { maxLength: 1, overflow: "reject-publish" });
    await rabbit.publish(`${queue}.dead`, [{ body: "in the way" }]);
    const running = bridge();
    await rabbit.publish(queue, [{ body: "no JSON" }]);
    await running.line("bridge.dead_letter_refused");
    await rabbit.drain(`${queue}.dead`);
    await running.line("bridge.dead_lettered");
    running.kill("SIGTERM");
    expect(await running.exited).toBe(0);
    expect(await rabbit.count(`${queue}.dead`)).toBe(1);
    expect(await rabbit.count(queue)).toBe(0);
  });

  it("acknowledges no message whose dead letter has nowhere to go", async () => {
    const running = bridge();
    await running.line("bridge.consuming");
    await rabbit.remove(`${queue}.dead`);
    await rabbit.publish(queue, [{ body: "no JSON" }]);
    await running.line("bridge.dead_lettered");
    running.kill("SIGTERM");
    expect(await running.exited).toBe(0);
    // It was handed out again, when the queue of dead letters had been made anew.
    expect(namesOf(running)).toEqual([
      "bridge.consuming",
      "bridge.disconnected",
      "bridge.consuming",
      "bridge.dead_lettered",
      "bridge.stopped",
    ]);
    expect(await rabbit.count(`${queue}.dead`)).toBe(1);
    expect(await rabbit.count(queue)).toBe(0);
  });

  it.each([
    { what: "the secret is wrong", args: {}, secret: "whsec_d3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmc=", says: "PAYBELL_SECRET" },
    { what: "the source is unknown", args: { source: "src_none" }, secret: SECRET, says: "--source" },
  ])("gives up and acknowledges nothing where $what", async ({ args, secret, says }) => {
    await rabbit.publish(
      queue,
      Array.from({ length: 20 }, (_, n) => paymentOf(n + 20_000)),
    );
    const running = bridge(args, secret);
    expect(await running.exited).toBe(78);
    expect((await running.line("bridge.failed"))["reason"]).toContain(says);
    expect(await rabbit.count(queue)).toBe(20);
    expect(await rabbit.count(`${queue}.dead`)).toBe(0);
  });

  it("gives up where RabbitMQ does not let it in", async () => {
    const running = bridge({ amqp: rabbit.url.replace("//", "//nobody:wrong@") });
    expect(await running.exited).toBe(78);
    const { reason } = await running.line("bridge.failed");
    expect(reason).toContain("ACCESS-REFUSED");
    expect(JSON.stringify(running.lines)).not.toContain("wrong");
  });

  it("gives up where there is no such queue, and makes none", async () => {
    const running = bridge({ queue: "nobodys_queue" });
    expect(await running.exited).toBe(78);
    expect((await running.line("bridge.failed"))["reason"]).toContain("nobodys_queue");
    await expect(rabbit.count("nobodys_queue")).rejects.toThrow("404");
  });
});
