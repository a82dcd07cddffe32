/** Work in order per key: a piece begins when the one before it of the same key has ended. Keys do not wait for others. */
export class Lanes {
  readonly #last = new Map<string, Promise<void>>();

  /** Does `work`, which never rejects, after all that came before under this key. Resolves when it has ended. */
  async run(key: string, work: () => Promise<void>): Promise<void> {
    const done = (this.#last.get(key) ?? Promise.resolve()).then(work);
    this.#last.set(key, done);
    await done;
    if (this.#last.get(key) === done) this.#last.delete(key);
  }

  /** How many keys have work. */
  get size(): number {
    return this.#last.size;
  }

  /** Resolves when all work that is here has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#last.values());
  }
}
