import { DurableObject } from "cloudflare:workers";

import { log } from "../platform/log.ts";
import { NO_PROGRESS, readJob, saveJob, silentJobs, type Progress } from "../store/jobs.ts";
import type { JobStatus } from "../store/schema.ts";
import { onJobFinished } from "./job-finished.ts";
import { Round } from "./replay-round.ts";
import { newState, type ReplayState } from "./replay-state.ts";

/** A round that does not come to its end is followed by another one after this. */
const GUARD_MS = 60_000;
const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 60_000;
/** A job on which nothing changes says so often that it lives. */
const SAVE_EVERY_MS = 300_000;
/** How long a job may say nothing before the cron wakes it. */
const SILENT_MS = 900_000;

/**
 * One job that sends deliveries again, named `<merchant>/<job>`. Works in rounds, each an alarm; what it remembers
 * between them is its watermark, the page it is at, and what is on its way. The row in D1 tells people about it, and
 * has the last word on whether it goes on.
 */
export class ReplayJob extends DurableObject<Env> {
  #round: Promise<void> | null = null;
  #failed = 0;
  #savedAt = 0;

  /** Begins the job, or goes on with it: its row says what it is. */
  async wake(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now());
  }

  /** Ends the job, whose row says so already: when this returns nothing more is sent again, and its row is final. */
  async cancel(): Promise<void> {
    const { storage } = this.ctx;
    if ((await storage.getAlarm()) === null && this.#round === null) {
      return;
    }
    storage.kv.put("canceled", true);
    await this.#round;
    const state = this.#load();
    if (storage.kv.get("canceled") === true) {
      await this.#end(state?.progress ?? NO_PROGRESS, { status: "canceled" });
    }
  }

  override async alarm(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + GUARD_MS);
    this.#round ??= this.#run().finally(() => {
      this.#round = null;
    });
    await this.#round;
  }

  /** One round, and the alarm for the next. Never throws: whatever fails is tried again. */
  async #run(): Promise<void> {
    const { storage } = this.ctx;
    try {
      const state = this.#load() ?? (await this.#begin());
      if (state === null) {
        await storage.deleteAll();
        return;
      }
      const before = JSON.stringify(state.progress);
      const save = () => storage.kv.put("state", JSON.stringify(state));
      const isCanceled = () => storage.kv.get("canceled") === true;
      const ended = isCanceled()
        ? { status: "canceled" as const }
        : await new Round(this.env, state, save, isCanceled).run();
      if ("status" in ended) {
        await this.#end(state.progress, ended);
        return;
      }
      if (JSON.stringify(state.progress) !== before || Date.now() >= this.#savedAt + SAVE_EVERY_MS) {
        const job = await saveJob(this.env.DB, this.ctx.id.name!, state.progress, { status: "running" }, Date.now());
        if (job?.status !== "running") {
          await this.#end(state.progress, { status: "canceled" });
          return;
        }
        this.#savedAt = Date.now();
      }
      this.#failed = ended.hasFailed ? this.#failed + 1 : 0;
      await storage.setAlarm(Math.max(ended.at, this.#failed === 0 ? 0 : this.#backoff()));
    } catch (error) {
      log.warn("job.round_failed", { job: this.ctx.id.name, error });
      this.#failed += 1;
      await storage.setAlarm(this.#backoff());
    }
  }

  #backoff(): number {
    return Date.now() + Math.min(FIRST_BACKOFF_MS * 2 ** (this.#failed - 1), MAX_BACKOFF_MS);
  }

  #load(): ReplayState | null {
    const kept = this.ctx.storage.kv.get<string>("state");
    return kept === undefined ? null : (JSON.parse(kept) as ReplayState);
  }

  /** What a job that has not begun begins with; null: it is over, or there is none. */
  async #begin(): Promise<ReplayState | null> {
    const job = await readJob(this.env.DB, this.ctx.id.name!);
    return job?.status === "running" ? newState(job) : null;
  }

  /** Writes how the job ended, tells who wants to know, and leaves nothing behind. */
  async #end(progress: Progress, ended: { status: JobStatus; error?: string }): Promise<void> {
    const job = await saveJob(this.env.DB, this.ctx.id.name!, progress, ended, Date.now());
    if (job) {
      await onJobFinished(this.env, job);
    }
    await this.ctx.storage.deleteAll();
  }
}

/** Wakes jobs that should run and have said nothing for long: their first call, or an alarm, must have been lost. */
export async function wakeJobs(env: Env, now: number): Promise<void> {
  const names = await silentJobs(env.DB, now - SILENT_MS);
  await Promise.allSettled(names.map((name) => env.REPLAY_JOB.getByName(name).wake()));
}
