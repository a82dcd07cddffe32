/** What goes wrong on purpose. Shares are probabilities in [0, 1]; all random choices follow from `seed`. */
export interface Faults {
  seed: number;
  /** Messages of the `deliveries` queue that are lost, come twice, come late, or come in another order. */
  lost: number;
  doubled: number;
  late: number;
  shuffled: boolean;
  /** How long a batch holds up the next one after its work, in ms: a consumer that is behind. */
  batchHeldMs: number;
  /** Messages of the `backup` queue that come twice. */
  backupDoubled: number;
  /** Calls that fail; of objects by method, else by object. */
  deliveriesFails: number;
  backupFails: number;
  enrichmentsFails: number;
  d1Fails: number;
  acceptFails: number;
  claimFails: number;
  settleFails: number;
  retryFails: number;
  gateFails: number;
  bindingFails: number;
  /** Calls that do their work and whose answer gets lost: batches of statements, and calls of objects. */
  d1AnswersLost: number;
  objectAnswersLost: number;
  retryAnswersLost: number;
  /**
   * Where the Worker stops for good, once: it tells `reached` (a URL) and waits to be killed. `before-log` and
   * `before-settle` are met once a delivery has succeeded.
   */
  stop: "after-commit" | "before-log" | "before-settle" | null;
  reached: string | null;
}

/** The faults that happen with a probability. */
export type Chance = Exclude<keyof Faults, "seed" | "shuffled" | "batchHeldMs" | "stop" | "reached">;

export const NO_FAULTS: Faults = {
  seed: 1,
  lost: 0,
  doubled: 0,
  late: 0,
  shuffled: false,
  batchHeldMs: 0,
  backupDoubled: 0,
  deliveriesFails: 0,
  backupFails: 0,
  enrichmentsFails: 0,
  d1Fails: 0,
  acceptFails: 0,
  claimFails: 0,
  settleFails: 0,
  retryFails: 0,
  gateFails: 0,
  bindingFails: 0,
  d1AnswersLost: 0,
  objectAnswersLost: 0,
  retryAnswersLost: 0,
  stop: null,
  reached: null,
};
