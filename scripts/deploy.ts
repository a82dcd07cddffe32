// `npm run deploy`: creates on Cloudflare what is missing, applies migrations, deploys. Safe to run again: what exists
// is left as it is. Needs `npx wrangler login`, or CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID. docs/deploy.md

import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
const configFile = join(root, "wrangler.toml");

const DATABASE = "paybell";
const NO_DATABASE = "00000000-0000-0000-0000-000000000000";
const QUEUES = ["deliveries", "backup", "enrichments", "dead"];
/** The longest that Queues keep a message: https://developers.cloudflare.com/queues/platform/limits/ */
const RETENTION_SECONDS = 14 * 86_400;
/** What wrangler says of a Worker, and of a queue, that there is not. */
const NO_WORKER = /Worker "[^"]*".* not found/;
const NO_QUEUE = /Queue "[^"]*" does not exist/;

const SECRETS: Record<string, () => string> = {
  ADMIN_TOKEN: () => randomBytes(32).toString("base64url"),
  ENCRYPTION_KEY: () => randomBytes(32).toString("base64"),
};

ensureDatabase();
for (const queue of QUEUES) ensureQueue(queue);
const made = missingSecrets();
// In CI wrangler does not ask. A no would end it with 0, and the new code would run on the old tables.
run(["d1", "migrations", "apply", "DB", "--remote"], { CI: "true" });
deploy(made);

/** Finds or creates the database, and writes its id where wrangler looks for it. */
function ensureDatabase(): void {
  const config = readFileSync(configFile, "utf8");
  if (!config.includes(NO_DATABASE)) return;
  const find = () => {
    const databases = JSON.parse(ask(["d1", "list", "--json"]).output) as { uuid: string; name: string }[];
    return databases.find(({ name }) => name === DATABASE)?.uuid;
  };
  if (find() === undefined) {
    // Not before the user's eyes: wrangler says to write into wrangler.toml what is written there next.
    ask(["d1", "create", DATABASE]);
    console.log(`Created the database ${DATABASE}.`);
  }
  const id = find();
  if (id === undefined) throw new Error(`There is no database ${DATABASE}, although it was created`);
  writeFileSync(configFile, config.replace(NO_DATABASE, id));
  console.log("The id of the database is in wrangler.toml now: commit it.");
}

function ensureQueue(name: string): void {
  if (ask(["queues", "info", name], NO_QUEUE).isGood) return;
  run(["queues", "create", name, "--message-retention-period-secs", String(RETENTION_SECONDS)]);
}

/**
 * New values for the secrets that the Worker lacks. Only Cloudflare's word that there is no such Worker counts as
 * none: to replace ENCRYPTION_KEY would make everything sealed with it unreadable.
 */
function missingSecrets(): Record<string, string> {
  const { isGood, output } = ask(["secret", "list", "--format", "json"], NO_WORKER);
  const known = isGood ? (JSON.parse(output) as { name: string }[]).map(({ name }) => name) : [];
  const missing = Object.entries(SECRETS).filter(([name]) => !known.includes(name));
  return Object.fromEntries(missing.map(([name, make]) => [name, make()]));
}

function deploy(secrets: Record<string, string>): void {
  if (Object.keys(secrets).length === 0) {
    run(["deploy"]);
    return;
  }
  // Shown before: a deploy that fails half-way may have taken them.
  console.log("These secrets are new and shown only this once. Keep them where you keep passwords:");
  for (const [name, value] of Object.entries(secrets)) console.log(`  ${name}=${value}`);
  const folder = mkdtempSync(join(tmpdir(), "paybell-"));
  try {
    const file = join(folder, "secrets.json");
    writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
    run(["deploy", "--secrets-file", file]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs wrangler before the user's eyes; throws if it fails. */
function run(args: string[], variables: Record<string, string> = {}): void {
  const env = { ...process.env, ...variables };
  const { status } = spawnSync(process.execPath, [wrangler, ...args], { cwd: root, stdio: "inherit", env });
  if (status !== 0) throw new Error(`wrangler ${args.join(" ")} failed`);
}

/** Runs wrangler and returns what it said; throws if it fails otherwise than `mayFail` allows. */
function ask(args: string[], mayFail?: RegExp): { isGood: boolean; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [wrangler, ...args], { cwd: root, encoding: "utf8" });
  const isGood = status === 0;
  if (!isGood && !mayFail?.test(stdout + stderr)) {
    throw new Error(`wrangler ${args.join(" ")} failed:\n${stdout}${stderr}`);
  }
  return { isGood, output: isGood ? stdout : stdout + stderr };
}
