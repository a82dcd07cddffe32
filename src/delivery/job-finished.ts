import { announce } from "../outbox/announce.ts";
import { log } from "../platform/log.ts";
import type { Job } from "../store/jobs.ts";

/** Called when a job has ended, whether it is done, canceled or failed, with its final row; called again if that was interrupted. */
export async function onJobFinished(env: Env, job: Job): Promise<void> {
  const { id, merchant, status, queued, skipped, delivered } = job;
  log.info("job.finished", { job: id, merchant, status, queued, skipped, delivered });
  const data = { job: { id, status, queued, skipped, delivered } };
  await announce(env, { merchant, type: "job.finished", target: id, data });
}
