/** How many attempts run at once in one invocation: the platform lets six requests wait for their answers. */
const SLOTS = 5;
/** So many of them may be at endpoints that are not well, or may not be: the others are for those that answer. */
const DOUBTFUL_SLOTS = 3;

interface Waiter {
  isDoubtful: boolean;
  give: () => void;
}

/** A semaphore whose waiters may give up, and whose last places are kept from what is doubtful. */
export class Slots {
  #taken = 0;
  #doubtful = 0;
  #waiting: Waiter[] = [];

  /** Runs work in a slot; null if none came free within `patienceMs`. `isDoubtful`: it may take long. */
  async run<T>(work: () => Promise<T>, isDoubtful: boolean, patienceMs: number): Promise<T | null> {
    if (!(await this.#enter(isDoubtful, patienceMs))) {
      return null;
    }
    try {
      return await work();
    } finally {
      this.#count(isDoubtful, -1);
      this.#next();
    }
  }

  async #enter(isDoubtful: boolean, patienceMs: number): Promise<boolean> {
    if (this.#hasRoom(isDoubtful)) {
      this.#count(isDoubtful, 1);
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { isDoubtful, give: () => resolve(true) };
    this.#waiting.push(waiter);
    const timer = setTimeout(() => {
      this.#waiting = this.#waiting.filter((one) => one !== waiter);
      resolve(false);
    }, patienceMs);
    const isIn = await promise;
    clearTimeout(timer);
    return isIn;
  }

  #hasRoom(isDoubtful: boolean): boolean {
    return this.#taken < SLOTS && !(isDoubtful && this.#doubtful >= DOUBTFUL_SLOTS);
  }

  #count(isDoubtful: boolean, change: 1 | -1): void {
    this.#taken += change;
    this.#doubtful += isDoubtful ? change : 0;
  }

  /** Gives the slot that came free to the first that may have it. */
  #next(): void {
    const at = this.#waiting.findIndex(({ isDoubtful }) => this.#hasRoom(isDoubtful));
    if (at >= 0) {
      const [{ isDoubtful, give }] = this.#waiting.splice(at, 1) as [Waiter];
      this.#count(isDoubtful, 1);
      give();
    }
  }
}
