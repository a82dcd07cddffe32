// `npm run gen`: writes docs/openapi.json, the API as its routes describe themselves.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

/** The document of the API. Its modules are named at run time: their types need Cloudflare's, which scripts lack. */
async function openApi(): Promise<unknown> {
  const load = async <T>(path: string) => (await import(join(root, "src/api", path))) as T;
  const { createApp } = await load<{ createApp: () => unknown }>("app.ts");
  const { openApiDocument } = await load<{ openApiDocument: (app: unknown) => unknown }>("openapi.ts");
  return openApiDocument(createApp());
}

writeFileSync(join(root, "docs/openapi.json"), `${JSON.stringify(await openApi(), null, 2)}\n`);
