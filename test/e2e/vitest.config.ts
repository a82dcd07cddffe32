import { defineConfig } from "vitest/config";

/** The real Worker from outside: one file after the other, since each starts its own `wrangler dev`. */
export default defineConfig({
  test: {
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/e2e/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
