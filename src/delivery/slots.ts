/** How many attempts run at once in one invocation: the platform lets six requests wait for their answers. */
const SLOTS = 5;

/** A semaphore whose waiters may give up. */
export class Slots {
  #free = SLOTS;
  readonly #waiting: (() => void)[] = [];

  /** Runs work in a slot; null if none came free within `patienceMs`. */
  async run<T>(work: () => Promise<T>, patienceMs: number): Promise<T | null> {
    if (!(await this.#take(patienceMs))) {
      return null;
    }
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  async #take(patienceMs: number): Promise<boolean> {
    if (this.#free > 0) {
      this.#free -= 1;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const give = () => resolve(true);
    this.#waiting.push(give);
    const timer = setTimeout(() => {
      this.#waiting.splice(this.#waiting.indexOf(give), 1);
      resolve(false);
    }, patienceMs);
    const taken = await promise;
    clearTimeout(timer);
    return taken;
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next) {
      next();
    } else {
      this.#free += 1;
    }
  }
}
