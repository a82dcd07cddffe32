import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { runNode } from "./run.ts";

const root = join(import.meta.dirname, "../..");
const NO_ID = "00000000-0000-0000-0000-000000000000";
const ID = "11111111-2222-3333-4444-555555555555";

/**
 * Stands in for wrangler, since there is no account here: answers as wrangler 4 does, from the account in
 * `account.json`, and writes down what it was asked.
 */
const WRANGLER = `
const { appendFileSync, readFileSync, writeFileSync } = require("node:fs");
const args = process.argv.slice(2);
const line = args.join(" ");
appendFileSync("asked.txt", line.replace(/\\S+secrets\\.json/, "FILE") + "\\n");
const account = JSON.parse(readFileSync("account.json", "utf8"));
const refuse = (text) => { console.error(text); process.exit(1); };
if (line.startsWith("whoami")) {
  console.log(JSON.stringify({ loggedIn: account.loggedIn }));
  process.exit(account.loggedIn ? 0 : 1);
}
if (line === "d1 list --json") console.log(JSON.stringify(account.databases));
if (line.startsWith("d1 create")) account.databases.push({ uuid: "${ID}", name: args[2] });
if (line.startsWith("queues info") && !account.queues.includes(args[2])) refuse('Queue "' + args[2] + '" does not exist');
if (line.startsWith("queues create")) account.queues.push(args[2]);
if (line.startsWith("secret list")) {
  if (account.secrets === null) refuse('Worker "paybell" (latest version) not found');
  console.log(JSON.stringify(account.secrets.map((name) => ({ name }))));
}
if (line.startsWith("deploy --secrets-file")) account.secrets = Object.keys(JSON.parse(readFileSync(args[2], "utf8")));
writeFileSync("account.json", JSON.stringify(account));
`;

const EMPTY = { loggedIn: true, databases: [], queues: [], secrets: null };
/** Asks, and changes nothing. */
const READS = /^(whoami|d1 list|d1 migrations list|queues info|secret list|deploy --dry-run)/;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "paybell-deploy-"));
  cpSync(join(root, "scripts"), join(folder, "scripts"), { recursive: true });
  const config = readFileSync(join(root, "wrangler.toml"), "utf8");
  writeFileSync(join(folder, "wrangler.toml"), config.replace(/database_id = "[^"]*"/, `database_id = "${NO_ID}"`));
  const bin = join(folder, "node_modules/wrangler/bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "wrangler.js"), WRANGLER);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the command against an account; what it printed, and what it asked wrangler. */
async function deploy(account: object | null, ...flags: string[]) {
  if (account !== null) writeFileSync(join(folder, "account.json"), JSON.stringify(account));
  writeFileSync(join(folder, "asked.txt"), "");
  const ended = await runNode(["scripts/deploy.ts", ...flags], {}, folder);
  const asked = readFileSync(join(folder, "asked.txt"), "utf8").trim().split("\n");
  const config = readFileSync(join(folder, "wrangler.toml"), "utf8");
  const after = JSON.parse(readFileSync(join(folder, "account.json"), "utf8")) as object;
  return { ...ended, asked, config, after };
}

describe("to an empty account", () => {
  it("creates the database, the queues and the secrets, and only then the Worker", async () => {
    const { code, errors, asked, config, after } = await deploy(EMPTY);
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    const queues = [...config.matchAll(/^queue = "(\w+)"/gm)].map(([, name]) => name);
    expect(after).toMatchObject({
      databases: [{ name: "paybell" }],
      queues: expect.arrayContaining(queues),
      secrets: ["ADMIN_TOKEN", "ENCRYPTION_KEY"],
    });
    expect(config).toContain(ID);
    expect(asked.slice(-2)).toEqual(["d1 migrations apply DB --remote", "deploy --secrets-file FILE"]);
  });

  it("does it once: the second time it applies what migrations are new, and deploys", async () => {
    await deploy(EMPTY);
    const { code, asked } = await deploy(null);
    expect(code).toBe(0);
    expect(asked.filter((line) => !READS.test(line))).toEqual(["d1 migrations apply DB --remote", "deploy"]);
  });
});

describe("with a route to a domain of its own", () => {
  beforeEach(() => {
    const file = join(folder, "wrangler.toml");
    const route = 'routes = [{ pattern = "pay.example.com", custom_domain = true }]';
    writeFileSync(file, `${route}\n${readFileSync(file, "utf8")}`);
  });

  it("writes down where Paybell is reached, once, and leaves what somebody has written", async () => {
    expect((await deploy(EMPTY)).config).toContain('\nPUBLIC_URL = "https://pay.example.com"\n');
    expect((await deploy(null, "--dry-run")).output).toBe("Nothing was changed.\n");
  });

  it("says so before", async () => {
    const { output, config } = await deploy(EMPTY, "--dry-run");
    expect(output).toContain("Would write https://pay.example.com into wrangler.toml as PUBLIC_URL.\n");
    expect(config).toContain('\nPUBLIC_URL = ""\n');
  });
});

describe("--dry-run", () => {
  it("says what an empty account lacks, and changes nothing", async () => {
    const { code, output, asked, config, after } = await deploy(EMPTY, "--dry-run");
    expect(code).toBe(0);
    expect(after).toEqual(EMPTY);
    expect(config).toContain(NO_ID);
    expect(asked.filter((line) => !READS.test(line))).toEqual([]);
    expect(output.match(/^Would .*/gm)).toEqual([
      "Would create the database paybell.",
      "Would write the id of the database into wrangler.toml.",
      "Would create the queue deliveries.",
      "Would create the queue retries.",
      "Would create the queue backup.",
      "Would create the queue enrichments.",
      "Would create the queue dead.",
      "Would make the secret ADMIN_TOKEN and show it.",
      "Would make the secret ENCRYPTION_KEY and show it.",
      "Would apply the migrations in migrations/ that the database lacks.",
    ]);
    expect(output).toMatch(/^Nothing was changed\.$/m);
  });

  it("has nothing to say of an account that lacks nothing", async () => {
    await deploy(EMPTY);
    const { code, output, asked } = await deploy(null, "--dry-run");
    expect({ code, output }).toEqual({ code: 0, output: "Nothing was changed.\n" });
    expect(asked.at(-1)).toBe("deploy --dry-run");
  });
});

it.each([[[]], [["--dry-run"]]])("asks for a login where there is none: %j", async (flags) => {
  const { code, errors, asked } = await deploy({ ...EMPTY, loggedIn: false }, ...flags);
  expect({ code, asked }).toEqual({ code: 1, asked: ["whoami --json"] });
  expect(errors).toMatch(/^wrangler is not logged in\. Run npx wrangler login/);
});

it.each(["--help", "--dryrun"])("does nothing where it is asked %s", async (flag) => {
  const { asked, after } = await deploy(EMPTY, flag);
  expect({ asked, after }).toEqual({ asked: [""], after: EMPTY });
});
