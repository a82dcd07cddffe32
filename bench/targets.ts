// What is compared: Paybell, and two Workers that do less.

import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { V4MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_splitSqlQuery } from "wrangler";

import { startHost, type Host } from "./host.ts";
import { signAsStripe, type StripePost } from "./stripe.ts";

const root = join(import.meta.dirname, "..");
const ADMIN_TOKEN = "admin-token-of-the-bench-and-its-targets";
const SOURCE_SECRET = "whsec_of_the_bench";

/** A Worker to be measured, as the load generator sees it. */
export interface Running extends Host {
  /** Where and how an event is posted. */
  request(event: StripePost): { url: string; headers: Record<string, string> };
  /** The secret to verify webhooks with; null where they are not signed. */
  secret: string | null;
}

export interface Target {
  name: string;
  start(receiverUrl: string): Promise<Running>;
}

/** Paybell as it is deployed: one merchant with a Stripe source and one endpoint. `entry`: its module. */
export function paybell(name = "Paybell", entry = "src/index.ts"): Target {
  let script: string | null = null;
  return {
    name,
    async start(receiverUrl) {
      script ??= bundled(entry);
      const { host, apiKey, call } = await startPaybell(script);
      const { secret } = await call<{ secret: string }>(apiKey, "/v1/endpoints", { url: receiverUrl });
      const { ingestUrl } = await call<{ ingestUrl: string }>(apiKey, "/v1/sources", {
        provider: "stripe",
        secrets: [SOURCE_SECRET],
      });
      const url = host.url + new URL(ingestUrl).pathname;
      return {
        ...host,
        secret,
        request: (event) => ({ url, headers: { "stripe-signature": signAsStripe(event, SOURCE_SECRET) } }),
      };
    },
  };
}

/** A Paybell with one merchant; `newMerchant` makes another, and returns its API key. `call` posts to its API, and throws an Error that says what came instead of a 2xx. */
export async function startPaybell(script = bundled("src/index.ts")) {
  const { modulesRules: _, ...workerOptions } = deployedOptions();
  const host = await startHost({
    ...workerOptions,
    modules: true,
    script,
    bindings: {
      ...(workerOptions["bindings"] as object),
      ADMIN_TOKEN,
      ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
      ALLOW_PRIVATE_ENDPOINTS: "true",
      // One source posts more than is meant to be; and the emulator's limiter is an object with a row a call.
      RATE_LIMITS: "off",
    },
  } as V4MiniflareOptions);
  const db = await host.miniflare.getD1Database("DB");
  for (const path of globSync("migrations/*.sql", { cwd: root }).toSorted()) {
    const statements = unstable_splitSqlQuery(readFileSync(join(root, path), "utf8"));
    await db.batch(statements.map((statement) => db.prepare(statement)));
  }
  const call = async <T>(token: string, path: string, body: object): Promise<T> => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const response = await fetch(host.url + path, { method: "POST", headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  };
  const newMerchant = async () =>
    (await call<{ apiKey: string }>(ADMIN_TOKEN, "/v1/merchants", { name: "Bench" })).apiKey;
  return { host, apiKey: await newMerchant(), newMerchant, call };
}

/** The thinnest Worker there is: a queue, and a consumer that posts. */
export function queueFloor(batchSize: number): Target {
  return floor(`queue alone, batches of ${batchSize}`, "queue.ts", batchSize, {}, []);
}

/** The same, with an object that keeps the event and D1 that logs the delivery. */
export function objectFloor(batchSize: number): Target {
  const options = { durableObjects: { STORE: { className: "Store", useSQLite: true } }, d1Databases: ["DB"] };
  const tables = ["CREATE TABLE log (id TEXT PRIMARY KEY, at INTEGER, status INTEGER) WITHOUT ROWID"];
  return floor(`queue, object and D1, batches of ${batchSize}`, "object.ts", batchSize, options, tables);
}

function floor(name: string, file: string, batchSize: number, options: object, tables: string[]): Target {
  return {
    name,
    async start(receiverUrl) {
      const { compatibilityDate, compatibilityFlags } = deployedOptions();
      const host = await startHost({
        compatibilityDate,
        compatibilityFlags,
        modules: true,
        script: stripTypeScriptTypes(readFileSync(join(import.meta.dirname, "floors", file), "utf8")),
        bindings: { TARGET: receiverUrl },
        queueProducers: { QUEUE: { queueName: "floor" } },
        queueConsumers: { floor: { maxBatchSize: batchSize, maxBatchTimeout: 0, maxRetries: 3 } },
        ...options,
      } as V4MiniflareOptions);
      for (const table of tables) {
        await (await host.miniflare.getD1Database("DB")).prepare(table).run();
      }
      return { ...host, secret: null, request: ({ user }) => ({ url: `${host.url}/?user=${user}`, headers: {} }) };
    },
  };
}

/** What wrangler.toml says, as Miniflare wants it. */
function deployedOptions(): ReturnType<typeof unstable_getMiniflareWorkerOptions>["workerOptions"] {
  return unstable_getMiniflareWorkerOptions(join(root, "wrangler.toml")).workerOptions;
}

/** A Worker in one file, as a deployment would have it. */
function bundled(entry: string): string {
  const folder = mkdtempSync(join(tmpdir(), "paybell-bundle-"));
  try {
    const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
    const args = [wrangler, "deploy", entry, "--dry-run", "--outdir", folder];
    execFileSync(process.execPath, args, { cwd: root, env: { ...process.env, WRANGLER_SEND_METRICS: "false" } });
    const [file] = globSync("*.js", { cwd: folder });
    return readFileSync(join(folder, file!), "utf8");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
