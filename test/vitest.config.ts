import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

const root = new URL("..", import.meta.url).pathname;

/** Long enough for a machine that has other work: no test is about how fast it is. */
const TEST_TIMEOUT_MS = 30_000;

/** Two projects: the pure rooms in Node, what stands on Cloudflare in workerd. */
export default defineConfig(async () => ({
  test: {
    maxWorkers: 3,
    projects: [
      {
        root,
        test: {
          name: "node",
          testTimeout: TEST_TIMEOUT_MS,
          include: ["test/{event,providers,enrich,channels,bridge,docs,scripts}/**/*.test.ts"],
        },
      },
      {
        root,
        plugins: [
          cloudflareTest({
            main: "./test/support/worker.ts",
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              // Beside the database of wrangler.toml: one that tests migrate themselves.
              d1Databases: ["OLD_DB"],
              bindings: {
                ADMIN_TOKEN: "admin-token-of-the-tests-in-workerd",
                ENCRYPTION_KEY: "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
                ALLOW_PRIVATE_ENDPOINTS: "true",
                TEST_MIGRATIONS: await readD1Migrations(`${root}migrations`),
              },
            },
          }),
        ],
        test: {
          name: "workerd",
          testTimeout: TEST_TIMEOUT_MS,
          include: [
            "test/{platform,store,outbox,ingest,delivery,api}/**/*.test.ts",
            // Adapters have to do the same in Node and in workerd.
            "test/providers/{contract,shared-vectors}.test.ts",
          ],
          setupFiles: ["./test/support/apply-migrations.ts"],
          globalSetup: ["./test/support/receiver.ts"],
        },
      },
    ],
  },
}));
