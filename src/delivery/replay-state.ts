import { V } from "../outbox/contract.ts";
import { NO_PROGRESS, type Job, type Progress } from "../store/jobs.ts";
import type { Candidate } from "../store/replay.ts";
import type { Spent } from "./pace.ts";
import type { SkippedBecause } from "./replay-rules.ts";

/** A delivery that is to be sent again. `isAsked`: its outbox was asked, and the answer may have got lost. */
export interface Waiting extends Candidate {
  isAsked: boolean;
  tries: number;
}

/** A delivery that was sent again and of whose attempt the log knows nothing yet. `since`: epoch ms. */
export interface Out {
  id: string;
  outbox: string;
  counter: number;
  since: number;
}

/** What a job remembers between its rounds. */
export interface ReplayState {
  v: V;
  job: Pick<Job, "merchant" | "filter" | "perSecond">;
  /** The watermark: every delivery up to it was found; those on `page` are yet to be dealt with. */
  after: string | null;
  isAtEnd: boolean;
  page: Waiting[];
  out: Out[];
  spent: Spent[];
  /** Outboxes are being asked: what was spent last is not over. */
  isAsking: boolean;
  progress: Progress;
  /** Rounds in a row in which nothing happened. */
  idle: number;
}

/** How a job begins. */
export function newState({ merchant, filter, perSecond }: Job): ReplayState {
  return {
    v: V,
    job: { merchant, filter, perSecond },
    after: null,
    isAtEnd: false,
    page: [],
    out: [],
    spent: [],
    isAsking: false,
    progress: NO_PROGRESS,
    idle: 0,
  };
}

/** Adds to what a job has done; `position` replaces the one before. */
export function count(state: ReplayState, done: Partial<Progress>): void {
  const { progress } = state;
  state.progress = {
    ...progress,
    looked: progress.looked + (done.looked ?? 0),
    queued: progress.queued + (done.queued ?? 0),
    skipped: progress.skipped + (done.skipped ?? 0),
    delivered: progress.delivered + (done.delivered ?? 0),
    position: done.position ?? progress.position,
  };
}

/** Counts a delivery that is not sent again, and why. */
export function skip(state: ReplayState, delivery: string, because: SkippedBecause): void {
  count(state, { skipped: 1, position: delivery });
  const { skippedBecause } = state.progress;
  state.progress.skippedBecause = { ...skippedBecause, [because]: (skippedBecause[because] ?? 0) + 1 };
}
