import type { Faults } from "../support/fault-kinds.ts";
import { randomOf, type Random } from "./random.ts";
import { BEHAVIOURS, type Behaviour } from "./receiver.ts";

/** The endpoints of every run, as the API takes them. The last one has a limit, and no lanes that hide it. */
export const ENDPOINTS = [
  { ordering: "user" },
  { ordering: "payment" },
  { ordering: "user" },
  { ordering: "none", rateLimit: 4 },
] as const;
const USERS = 6;

/** An event that is posted, in a user's own numbering. */
export interface Posting {
  user: number;
  name: string;
  payment: number;
}

/** One thing that happens in a run. Endpoints by their place in {@link ENDPOINTS}. */
export type Step =
  | { do: "post"; events: Posting[] }
  /** Events that were posted before are posted again, several times at once. */
  | { do: "post-again"; share: number }
  | { do: "faults"; faults: Partial<Faults> }
  | { do: "answer"; endpoint: number; how: Behaviour }
  /** `adopts`: the receiver goes over to the new secret soon, not only when the old one is about to end. */
  | { do: "rotate"; endpoint: number; adopts: boolean }
  | { do: "pause" | "resume" | "break-tls" | "mend-tls"; endpoint: number }
  | { do: "kill"; at: "once" | NonNullable<Faults["stop"]> }
  | { do: "wait"; ms: number };

/** What may go wrong inside, each with its strength. Together they are drawn anew for every phase. */
const FAULTS: Partial<Faults>[] = [
  { lost: 0.25 },
  { doubled: 0.4 },
  { late: 0.3 },
  { late: 0.5, claimFails: 0.5 },
  { shuffled: true },
  { deliveriesFails: 0.4 },
  { backupFails: 0.5, d1Fails: 0.5 },
  { backupDoubled: 0.5, d1Fails: 0.4 },
  { d1Fails: 0.3 },
  { d1AnswersLost: 0.3 },
  { acceptFails: 0.4 },
  { settleFails: 0.4 },
  { gateFails: 0.3 },
  { bindingFails: 0.6 },
  { objectAnswersLost: 0.15 },
];

/**
 * What happens in the run of a seed: a few phases, each with faults inside, receivers that behave badly, changes by the
 * merchant and events in bursts, all in random order. The same seed gives the same schedule.
 */
export function scheduleOf(seed: number): Step[] {
  const random = randomOf(seed);
  const phases = random.int(3, 4);
  let posted = 0;
  const burst = (): Step => ({
    do: "post",
    events: Array.from({ length: random.int(3, 7) }, () => {
      posted += 1;
      const user = random.int(0, USERS - 1);
      return { user, name: `s${seed}-${posted}`, payment: random.int(0, 1) };
    }),
  });
  // Somewhere on its way an endpoint is gone, for long enough to be disabled for it.
  const gone = { phase: random.int(0, phases - 1), endpoint: random.int(0, ENDPOINTS.length - 1) };
  const steps: Step[] = [];
  for (let phase = 0; phase < phases; phase++) {
    const faults = Object.assign({ seed: random.int(1, 1e9) }, ...draw(random, FAULTS, random.int(2, 4)));
    const disturbances = [...draw(random, hostilities(random), random.int(2, 3)), ...draw(random, changes(random), 1)];
    const middle = [burst(), burst(), ...disturbances.flat(), { do: "wait", ms: random.int(100, 1_500) } as Step];
    if (phase === gone.phase) {
      steps.push({ do: "answer", endpoint: gone.endpoint, how: "gone" }, burst(), { do: "wait", ms: 500 });
    }
    steps.push({ do: "faults", faults }, ...shuffled(random, middle));
    if (random.happens(0.5)) steps.push({ do: "post-again", share: 0.3 });
    if (random.happens(0.4)) {
      steps.push(burst(), { do: "kill", at: random.pick(["once", "after-commit", "before-log", "before-settle"]) });
    }
  }
  return steps;
}

function hostilities(random: Random): Step[] {
  return ENDPOINTS.flatMap((_, endpoint) => [
    { do: "answer", endpoint, how: random.pick(BEHAVIOURS) } as const,
    { do: "answer", endpoint, how: random.pick(BEHAVIOURS) } as const,
    { do: "break-tls", endpoint } as const,
  ]);
}

function changes(random: Random): Step[] {
  const endpoint = random.int(0, ENDPOINTS.length - 1);
  return [
    { do: "rotate", endpoint, adopts: random.happens(0.5) },
    { do: "rotate", endpoint, adopts: random.happens(0.5) },
    { do: "pause", endpoint },
    { do: "pause", endpoint },
    { do: "resume", endpoint },
    { do: "mend-tls", endpoint },
  ];
}

function draw<T>(random: Random, from: T[], count: number): T[] {
  return shuffled(random, from).slice(0, count);
}

function shuffled<T>(random: Random, items: T[]): T[] {
  return items
    .map((item) => ({ item, place: random.next() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
