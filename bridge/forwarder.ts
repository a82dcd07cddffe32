import type { ConsumeMessage } from "amqplib";

import { log } from "../src/platform/log.ts";
import { Lanes } from "./lanes.ts";
import { eventOf, type MessageMap } from "./map.ts";
import { deliver, type Target } from "./post.ts";
import type { Session } from "./session.ts";

/** That Paybell takes nothing is said so often at most. */
const SAY_HELD_MS = 60_000;

/** Why nothing is taken, for the person who has to change something. */
const MISCONFIGURED: ReadonlyMap<string, string> = new Map([
  ["http_401", "Paybell refuses the signature: PAYBELL_SECRET is not a secret of the source, or the clock is wrong"],
  ["http_404", "Paybell does not know the source: --source or --url is wrong"],
]);

export interface ForwarderInput {
  options: { map: MessageMap; target: Target; dedupe?: "content" };
  stopping: AbortSignal;
  /** Counts what has been done. */
  counts: { accepted: number; deadLettered: number; held: number };
  /** Called where no message can be accepted until somebody changes something. */
  fail: (reason: string) => void;
}

/** What happens to the messages of one session: in order per lane, each until Paybell has it or it is a dead letter. */
export class Forwarder {
  readonly #input: ForwarderInput;
  readonly #lanes = new Lanes();
  #saidHeldAt = 0;

  constructor(input: ForwarderInput) {
    this.#input = input;
  }

  /** Takes the next message: it has its place in its lane before this returns. Resolves when it is done with. */
  take(session: Session, message: ConsumeMessage): Promise<void> {
    const { content: body, fields, properties } = message;
    const { messageId, timestamp } = properties;
    const { options } = this.#input;
    const mapped = eventOf(options.map, { body, routingKey: fields.routingKey, messageId, timestamp }, options);
    return mapped.ok
      ? this.#lanes.run(mapped.lane, () => this.#forward(session, message, mapped))
      : this.#bury(session, message, mapped.reason);
  }

  /** Resolves when nothing is under way any more; once it is told to stop, nothing begins. */
  ended(): Promise<void> {
    return this.#lanes.ended();
  }

  async #forward(session: Session, message: ConsumeMessage, event: { id: string; body: string }): Promise<void> {
    const { options, stopping, counts, fail } = this.#input;
    const outcome = await deliver(options.target, event, {
      stopping: AbortSignal.any([stopping, session.over]),
      aborting: session.over,
      onHeld: (reason) => this.#noteHeld(reason),
    });
    switch (outcome.kind) {
      case "accepted":
        session.ack(message);
        counts.accepted += 1;
        break;
      case "refused":
        await this.#bury(session, message, outcome.reason);
        break;
      case "misconfigured":
        fail(MISCONFIGURED.get(outcome.reason) ?? `Paybell answers ${outcome.reason}: --url is wrong`);
        break;
      case "stopped":
        break;
    }
  }

  async #bury(session: Session, message: ConsumeMessage, reason: string): Promise<void> {
    if (!(await session.bury(message, reason))) return;
    this.#input.counts.deadLettered += 1;
    log.warn("bridge.dead_lettered", { reason, id: message.properties.messageId });
  }

  #noteHeld(reason: string): void {
    this.#input.counts.held += 1;
    if (Date.now() - this.#saidHeldAt < SAY_HELD_MS) return;
    this.#saidHeldAt = Date.now();
    log.warn("bridge.held", { reason, lanes: this.#lanes.size });
  }
}
