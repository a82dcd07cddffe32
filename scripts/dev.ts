// `npm run dev`: the Worker alone, on port 8787 or PORT. Its state stays in `.wrangler`.

import { endTogether, ensureSecrets, migrate, portToUse, startWorker } from "./worker.ts";

endTogether();
try {
  const port = await portToUse();
  if (ensureSecrets().created) console.log("Made .dev.vars with random secrets.");
  await migrate(null);
  const worker = await startWorker({ port, state: null, isLoud: true });
  process.exitCode = await worker.exited;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
