import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, it } from "vitest";

import { bundle } from "../../scripts/bundle.ts";
import { providers } from "../../src/providers/index.ts";

const MAX_BYTES = 24 * 1024;
/** The `normalize` of an adapter, as the formatter lays it out. */
const NORMALIZE = /^ {2}(async )?normalize\([^]*?^ {2}\},\n/gm;
/** What the API checks a source's settings with. */
const CONFIG = /^ {2}(config|secretFault): \w+,\n/gm;

/** What is used here of esbuild's interface for plugins. */
interface Build {
  onResolve(on: { filter: RegExp }, resolve: (module: { path: string; resolveDir: string }) => object): void;
  onLoad(on: { filter: RegExp }, load: (file: { path: string }) => Promise<object>): void;
}

/** A bundle of all adapters, minified; without zod, which the API needs in any case. */
async function minified(plugins: unknown[]): Promise<string> {
  return bundle(`export { providers } from "./src/providers/index.ts"`, { minify: true, external: ["zod"], plugins });
}

/**
 * What counts as verifier: `verify`, `acknowledge` and `handshake` of every adapter with all that they use. What only
 * `normalize` uses is gone from the bundle with it.
 */
it("all verifiers together are under 24 KB", async () => {
  let cuts = 0;
  const withoutNormalize = {
    name: "without normalize",
    setup(build: Build) {
      // Nothing here does anything by being imported: a module of which nothing is used goes as a whole.
      build.onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
        return { path: join(resolveDir, path), sideEffects: false };
      });
      build.onLoad({ filter: /\/src\/providers\/[^/]+\.ts$/ }, async ({ path }) => {
        const text = await readFile(path, "utf8");
        cuts += text.match(NORMALIZE)?.length ?? 0;
        return { contents: text.replaceAll(NORMALIZE, "").replaceAll(CONFIG, ""), loader: "ts" };
      });
    },
  };
  const verifiers = await minified([withoutNormalize]);
  expect(cuts).toBe(Object.keys(providers).length);
  expect(verifiers.length).toBeLessThan(MAX_BYTES);
});
