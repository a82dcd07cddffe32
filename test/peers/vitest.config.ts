import { defineConfig } from "vitest/config";

/** Against real servers of others, which every file starts for itself. One at a time: they need the machine. */
export default defineConfig({
  test: {
    root: new URL("../..", import.meta.url).pathname,
    name: "peers",
    include: ["test/peers/*.test.ts"],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
});
