// `npm run dev`: the Worker alone. Its state stays in `.wrangler`.

import { command } from "./command.ts";
import { claimFolder, ensureSecrets } from "./folder.ts";
import { endTogether, migrate, portToUse, startWorker } from "./worker.ts";

const usage = `npm run dev
  Runs Paybell on this machine, on port 8787 or the one that PORT names: PORT=8080 npm run dev
  Its admin token is in .dev.vars, which the first start makes; its data is in .wrangler.`;

await command({ usage, options: {} }, async () => {
  endTogether();
  await claimFolder();
  const port = await portToUse();
  if (ensureSecrets().created) console.log("Made .dev.vars with random secrets.");
  await migrate(null);
  const worker = await startWorker({ port, state: null, isLoud: true });
  return worker.exited;
});
