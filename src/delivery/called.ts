/** An outbox that was called and has not asked by then has nothing to ask for. */
const CALLED_MS = 10_000;

/**
 * The outboxes that were called because an endpoint takes deliveries again, with how many of theirs have been handed to
 * the queue and not asked for yet. In memory alone: a gate that starts anew knows none. Times in epoch ms.
 */
export class Called {
  readonly #outboxes = new Map<string, { at: number; count: number }>();

  /** So many of an outbox's deliveries are on their way. */
  set(outbox: string, count: number, now: number): void {
    this.#outboxes.set(outbox, { at: now, count });
  }

  /** One of them has asked. */
  countAsked(outbox: string): void {
    const called = this.#outboxes.get(outbox);
    if (called !== undefined) {
      called.count -= 1;
    }
  }

  delete(outbox: string): void {
    this.#outboxes.delete(outbox);
  }

  clear(): void {
    this.#outboxes.clear();
  }

  /** How many are on their way, of all outboxes. */
  count(now: number): number {
    for (const [outbox, { at, count }] of this.#outboxes) {
      if (count <= 0 || at + CALLED_MS <= now) {
        this.#outboxes.delete(outbox);
      }
    }
    return [...this.#outboxes.values()].reduce((sum, { count }) => sum + count, 0);
  }
}
