// `npm run deploy`: creates on Cloudflare what is missing, applies migrations, deploys. docs/deploy.md

import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { command } from "./command.ts";

const usage = `npm run deploy
  Creates on Cloudflare what is missing, applies migrations, and deploys. Safe to run again: what exists is left as it
  is. Log in first with npx wrangler login, or set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID.

  --dry-run  look at what there is and say what would be done, but change nothing
  --help     print this`;

const root = join(import.meta.dirname, "..");
const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
const configFile = join(root, "wrangler.toml");

const DATABASE = "paybell";
const NO_DATABASE = "00000000-0000-0000-0000-000000000000";
const QUEUES = ["deliveries", "retries", "backup", "enrichments", "dead"];
/** The longest that Queues keep a message: https://developers.cloudflare.com/queues/platform/limits/ */
const RETENTION_SECONDS = 14 * 86_400;
/** What wrangler says of a Worker, and of a queue, that there is not. */
const NO_WORKER = /Worker "[^"]*".* not found/;
const NO_QUEUE = /Queue "[^"]*" does not exist/;
/** Where the Worker is reached, as docs/deploy.md has it written; and that nobody has said so elsewhere yet. */
const CUSTOM_DOMAIN = /pattern = "([a-z0-9.-]+)", custom_domain = true/;
const NO_PUBLIC_URL = 'PUBLIC_URL = ""';
const NOT_LOGGED_IN = /"loggedIn": ?false/;

const SECRETS: Record<string, () => string> = {
  ADMIN_TOKEN: () => randomBytes(32).toString("base64url"),
  ENCRYPTION_KEY: () => randomBytes(32).toString("base64"),
};

await command({ usage, options: { "dry-run": { type: "boolean", default: false } } }, (flags) => {
  if (!ask(["whoami", "--json"], NOT_LOGGED_IN).isGood) {
    throw new Error(
      "wrangler is not logged in. Run npx wrangler login, or set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID.",
    );
  }
  return flags["dry-run"] ? foresee() : deploy();
});

function deploy(): number {
  ensureDatabase();
  ensurePublicUrl();
  for (const queue of QUEUES.filter((name) => !hasQueue(name))) {
    run(["queues", "create", queue, "--message-retention-period-secs", String(RETENTION_SECONDS)]);
  }
  const secrets = Object.fromEntries(missingSecrets().map((name) => [name, SECRETS[name]!()]));
  // In CI wrangler does not ask. A no would end it with 0, and the new code would run on the old tables.
  run(["d1", "migrations", "apply", "DB", "--remote"], { CI: "true" });
  upload(secrets);
  return 0;
}

/** Says what {@link deploy} would do. */
function foresee(): number {
  const say = (line: string) => console.log(`Would ${line}`);
  const isNew = readFileSync(configFile, "utf8").includes(NO_DATABASE);
  const id = isNew ? databaseId() : null;
  if (id === undefined) say(`create the database ${DATABASE}.`);
  if (isNew) say("write the id of the database into wrangler.toml.");
  if (unsaidUrl() !== null) say(`write ${unsaidUrl()} into wrangler.toml as PUBLIC_URL.`);
  for (const queue of QUEUES.filter((name) => !hasQueue(name))) say(`create the queue ${queue}.`);
  for (const name of missingSecrets()) say(`make the secret ${name} and show it.`);
  if (isNew) say("apply the migrations in migrations/ that the database lacks.");
  else run(["d1", "migrations", "list", "DB", "--remote"]);
  run(["deploy", "--dry-run"]);
  console.log("Nothing was changed.");
  return 0;
}

/** Finds or creates the database, and writes its id where wrangler looks for it. */
function ensureDatabase(): void {
  const config = readFileSync(configFile, "utf8");
  if (!config.includes(NO_DATABASE)) return;
  if (databaseId() === undefined) {
    // Not before the user's eyes: wrangler says to write into wrangler.toml what is written there next.
    ask(["d1", "create", DATABASE]);
    console.log(`Created the database ${DATABASE}.`);
  }
  const id = databaseId();
  if (id === undefined) throw new Error(`There is no database ${DATABASE}, although it was created`);
  writeFileSync(configFile, config.replace(NO_DATABASE, id));
  console.log("The id of the database is in wrangler.toml now: commit it.");
}

/** Writes where others reach the Worker to where it reads that, if its route says so. */
function ensurePublicUrl(): void {
  const url = unsaidUrl();
  if (url === null) return;
  const config = readFileSync(configFile, "utf8");
  writeFileSync(configFile, config.replace(NO_PUBLIC_URL, `PUBLIC_URL = "${url}"`));
  console.log("PUBLIC_URL is in wrangler.toml now: commit it.");
}

/** Where the route says that the Worker is reached, while PUBLIC_URL does not; null: it does, or no route says so. */
function unsaidUrl(): string | null {
  const config = readFileSync(configFile, "utf8");
  const host = CUSTOM_DOMAIN.exec(config)?.[1];
  return host === undefined || !config.includes(NO_PUBLIC_URL) ? null : `https://${host}`;
}

/** The id of our database; undefined: there is none. */
function databaseId(): string | undefined {
  const databases = JSON.parse(ask(["d1", "list", "--json"]).output) as { uuid: string; name: string }[];
  return databases.find(({ name }) => name === DATABASE)?.uuid;
}

function hasQueue(name: string): boolean {
  return ask(["queues", "info", name], NO_QUEUE).isGood;
}

/**
 * The secrets that the Worker lacks. Only Cloudflare's word that there is no such Worker counts as none: to replace
 * ENCRYPTION_KEY would make everything sealed with it unreadable.
 */
function missingSecrets(): string[] {
  const { isGood, output } = ask(["secret", "list", "--format", "json"], NO_WORKER);
  const known = isGood ? (JSON.parse(output) as { name: string }[]).map(({ name }) => name) : [];
  return Object.keys(SECRETS).filter((name) => !known.includes(name));
}

/** Deploys the code, with what secrets are new. */
function upload(secrets: Record<string, string>): void {
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
