import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { startStory, type Story } from "../e2e/story.ts";
import { startBridge, type BridgeProcess } from "./bridge-process.ts";
import { startRabbitMq, type RabbitMq } from "./rabbitmq.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

describe("the bridge", () => {
  let story: Story;
  let rabbit: RabbitMq;
  let source: string;

  beforeAll(async () => {
    [story, rabbit] = await Promise.all([startStory(), startRabbitMq()]);
    const made = await story.merchant.call<{ id: string }>("POST", "/v1/sources", {
      provider: "standard",
      secrets: [SECRET],
    });
    source = made.json.id;
  });
  afterAll(async () => {
    await Promise.all([story?.end(), rabbit?.end()]);
  });

  it("brings a message to the endpoint", async () => {
    await rabbit.declare("payment_queue");
    const map = join(tmpdir(), `map-${process.pid}.json`);
    await writeFile(
      map,
      JSON.stringify({
        user: "/user_id",
        status: "/status",
        types: { success: "payment.succeeded" },
        amount: "/amount",
        currency: { value: "USD" },
      }),
    );
    const bridge: BridgeProcess = startBridge(
      { amqp: rabbit.url, queue: "payment_queue", source, map, url: story.merchant.url },
      { PAYBELL_SECRET: SECRET },
    );
    await rabbit.publish("payment_queue", [
      { body: '{"user_id": 1, "amount": 100, "status": "success"}', options: { messageId: "m-1" } },
    ]);
    await story.receiver.until((received) => received.length === 1, "the event");
    expect(story.receiver.received[0]).toMatchObject({
      body: {
        type: "payment.succeeded",
        user: "1",
        data: { payment: { id: "m-1", amount: { value: "100", currency: "USD" } } },
      },
    });
    bridge.kill("SIGTERM");
    expect(await bridge.exited).toBe(0);
    expect(await rabbit.count("payment_queue")).toBe(0);
    expect(bridge.lines.map(({ message }) => message)).toEqual(["bridge.consuming", "bridge.stopped"]);
  });
});
