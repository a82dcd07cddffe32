/** How many accounts are remembered; the oldest is forgotten first. */
const MAX_OPEN = 1_000;

/**
 * Accounts that are not to be asked for a while, in this isolate: one that refuses us as a whole would refuse the
 * next message too, and every try at it costs an attempt. Times in epoch milliseconds.
 */
export class Circuits {
  readonly #openUntil = new Map<string, number>();

  /** Until when an account is left alone; null: it may be asked. */
  openUntil(account: string, now: number): number | null {
    const until = this.#openUntil.get(account) ?? 0;
    if (until > now) {
      return until;
    }
    this.#openUntil.delete(account);
    return null;
  }

  open(account: string, until: number): void {
    this.#openUntil.delete(account);
    this.#openUntil.set(account, until);
    if (this.#openUntil.size > MAX_OPEN) {
      this.#openUntil.delete(this.#openUntil.keys().next().value!);
    }
  }
}
