import { defineConfig } from "vitest/config";

const root = new URL("../..", import.meta.url).pathname;
const common = { testTimeout: 120_000, hookTimeout: 60_000 };
/** These hold times against each other, so they have the machine for themselves. */
const ALONE = ["test/e2e/{order,backlog,visible}.test.ts"];

/** The real Worker from outside: every file starts its own `wrangler dev`. */
export default defineConfig({
  test: {
    projects: [
      {
        root,
        test: { ...common, name: "alone", include: ALONE, fileParallelism: false, sequence: { groupOrder: 0 } },
      },
      {
        root,
        test: {
          ...common,
          name: "together",
          include: ["test/e2e/*.test.ts", "test/e2e/attacks/*.test.ts"],
          exclude: ALONE,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
