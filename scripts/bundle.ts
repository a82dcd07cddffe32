import { createRequire } from "node:module";
import { join } from "node:path";

interface Esbuild {
  build(options: Record<string, unknown>): Promise<{ outputFiles: { text: string }[] }>;
}

/** The bundler that wrangler brings along. */
const esbuild = createRequire(createRequire(import.meta.url).resolve("wrangler"))("esbuild") as Esbuild;

/**
 * A module of the Worker with all that it imports, in one text, as a deployment would have it. `source`: of the module,
 * whose imports are relative to the project's folder. `options`: further ones of esbuild.
 */
export async function bundle(source: string, options: Record<string, unknown> = {}): Promise<string> {
  const { outputFiles } = await esbuild.build({
    stdin: { contents: source, resolveDir: join(import.meta.dirname, ".."), loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    ...options,
  });
  return outputFiles[0]!.text;
}
