import { log } from "../platform/log.ts";

/** How long what is looked for is gathered before it is looked up together. */
const GATHER_MS = 50;
/** How long somebody waits for it. */
const WAIT_MS = 3_000;
/** How long whoever looks up may show no sign of life before another one takes its place. */
const TRUSTED_MS = 1_000;
/** What is looked up at once at most, and so at the same time looked for. */
const MAX_WAITED_FOR = 1_000;

/**
 * Look-ups of what may well not exist, for callers that have been refused too often: all that come within a moment are
 * one query, so that a flood of made-up names costs D1 a few queries a second in each isolate, and who asks for
 * something that is there gets it all the same. Requests share names and answers here, and no promise: one whose caller
 * has hung up holds up no other.
 */
export class Gathered<T extends object> {
  readonly #load: (env: Env, names: string[]) => Promise<Map<string, T>>;
  /** What is looked for, and not looked up yet. */
  #wanted = new Set<string>();
  /** The answers of the last two look-ups, and when (epoch ms) each began; null: there is none. */
  #rounds: { at: number; answers: Map<string, T | null> }[] = [];
  /** Until when (epoch ms) the request that looks up is trusted to be alive; in the past: nobody looks up. */
  #trustedUntil = 0;

  constructor(load: (env: Env, names: string[]) => Promise<Map<string, T>>) {
    this.#load = load;
  }

  /** What a name stands for, looked up at once or, where `isGathered`, with what others look for; null: nothing. */
  async one(env: Env, name: string, isGathered: boolean): Promise<T | null> {
    return isGathered ? this.find(env, name) : ((await this.#load(env, [name])).get(name) ?? null);
  }

  /** What a name stands for; null: nothing. Throws where D1 does not answer in time, or more is asked than goes. */
  async find(env: Env, name: string): Promise<T | null> {
    const since = Date.now();
    while (Date.now() < since + WAIT_MS && (this.#wanted.has(name) || this.#wanted.size < MAX_WAITED_FOR)) {
      this.#wanted.add(name);
      await scheduler.wait(GATHER_MS);
      if (this.#wanted.has(name) && this.#trustedUntil <= Date.now()) {
        await this.#lookUp(env);
      }
      // What was looked up before that may have changed.
      const round = this.#rounds.find(({ at, answers }) => at >= since && answers.has(name));
      if (round) {
        return round.answers.get(name) ?? null;
      }
    }
    throw new Error("Too much is looked for");
  }

  async #lookUp(env: Env): Promise<void> {
    const names = [...this.#wanted];
    this.#wanted.clear();
    const at = Date.now();
    this.#trustedUntil = at + TRUSTED_MS;
    try {
      const found = await this.#load(env, names);
      const answers = new Map(names.map((name) => [name, found.get(name) ?? null]));
      this.#rounds = [{ at, answers }, ...this.#rounds.slice(0, 1)];
    } catch (error) {
      log.warn("store.load_failed", { names: names.length, error });
    }
    this.#trustedUntil = 0;
  }
}
