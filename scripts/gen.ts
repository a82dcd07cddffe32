// `npm run gen`: writes what is made of other files: the types of the Worker's bindings, and the document of its API.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { command } from "./command.ts";

const usage = `npm run gen
  Writes src/env.d.ts and docs/openapi.json anew, from wrangler.toml and from what the routes say of themselves.`;

const root = join(import.meta.dirname, "..");

await command({ usage, options: {} }, async () => {
  const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
  const types = ["types", "src/env.d.ts", "--include-runtime=false", "--strict-vars=false"];
  const { status } = spawnSync(process.execPath, [wrangler, ...types], { cwd: root, stdio: "inherit" });
  if (status !== 0) throw new Error(`wrangler ${types.join(" ")} failed`);
  writeFileSync(join(root, "docs/openapi.json"), `${JSON.stringify(await openApi(), null, 2)}\n`);
  return 0;
});

/** The document of the API. Its modules are named at run time: their types need Cloudflare's, which scripts lack. */
async function openApi(): Promise<unknown> {
  const load = async <T>(path: string) => (await import(join(root, "src/api", path))) as T;
  const { createApp } = await load<{ createApp: () => unknown }>("app.ts");
  const { openApiDocument } = await load<{ openApiDocument: (app: unknown) => unknown }>("openapi.ts");
  return openApiDocument(createApp());
}
