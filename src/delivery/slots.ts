/** How many attempts run at once in one invocation: the platform lets six requests wait for their answers. */
const SLOTS = 5;
/** So many of them may be at endpoints that are not well, or may not be: the others are for those that answer. */
const DOUBTFUL_SLOTS = 3;
/** So many of them may be one merchant's: if all of its endpoints begin to hang, another merchant's still finds one. */
const MERCHANT_SLOTS = 4;

/** Whose work it is that a slot is wanted for. `isDoubtful`: it may take long. */
export interface Wanted {
  merchant: string;
  isDoubtful: boolean;
}

interface Waiter extends Wanted {
  give: () => void;
}

/** A semaphore whose waiters may give up, and whose last places are kept from what is doubtful, and from one merchant. */
export class Slots {
  #taken = 0;
  #doubtful = 0;
  readonly #ofMerchant = new Map<string, number>();
  #waiting: Waiter[] = [];

  /** Runs work in a slot; null if none came free within `patienceMs`. */
  async run<T>(work: () => Promise<T>, wanted: Wanted, patienceMs: number): Promise<T | null> {
    if (!(await this.#enter(wanted, patienceMs))) {
      return null;
    }
    try {
      return await work();
    } finally {
      this.#count(wanted, -1);
      this.#next();
    }
  }

  async #enter(wanted: Wanted, patienceMs: number): Promise<boolean> {
    if (this.#hasRoom(wanted)) {
      this.#count(wanted, 1);
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { ...wanted, give: () => resolve(true) };
    this.#waiting.push(waiter);
    const timer = setTimeout(() => {
      this.#waiting = this.#waiting.filter((one) => one !== waiter);
      resolve(false);
    }, patienceMs);
    const isIn = await promise;
    clearTimeout(timer);
    return isIn;
  }

  #hasRoom({ merchant, isDoubtful }: Wanted): boolean {
    return (
      this.#taken < SLOTS &&
      !(isDoubtful && this.#doubtful >= DOUBTFUL_SLOTS) &&
      (this.#ofMerchant.get(merchant) ?? 0) < MERCHANT_SLOTS
    );
  }

  #count({ merchant, isDoubtful }: Wanted, change: 1 | -1): void {
    this.#taken += change;
    this.#doubtful += isDoubtful ? change : 0;
    this.#ofMerchant.set(merchant, (this.#ofMerchant.get(merchant) ?? 0) + change);
  }

  /** Gives the slot that came free to the first that may have it. */
  #next(): void {
    const at = this.#waiting.findIndex((waiter) => this.#hasRoom(waiter));
    if (at >= 0) {
      const [waiter] = this.#waiting.splice(at, 1) as [Waiter];
      this.#count(waiter, 1);
      waiter.give();
    }
  }
}
