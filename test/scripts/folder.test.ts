import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { runNode } from "./run.ts";

const root = join(import.meta.dirname, "../..");

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "paybell-folder-"));
  cpSync(join(root, "scripts"), join(folder, "scripts"), { recursive: true });
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs code in a process of its own, which has the functions of `scripts/folder.ts` as `folder`. */
const argsOf = (code: string) => [
  "--input-type=module",
  "-e",
  `const folder = await import(${JSON.stringify(join(folder, "scripts/folder.ts"))});
   try { ${code} } catch (error) { console.log(error.message); }`,
];
const run = async (code: string) => (await runNode(argsOf(code), {}, folder)).output.trim();

describe("the secrets", () => {
  it("are made by the first start and kept by the next", async () => {
    const first = await run("console.log(JSON.stringify(folder.ensureSecrets()))");
    const { adminToken, created } = JSON.parse(first) as { adminToken: string; created: boolean };
    expect(created).toBe(true);
    expect(adminToken.length).toBeGreaterThanOrEqual(32);
    expect(await run("console.log(JSON.stringify(folder.ensureSecrets()))")).toBe(
      JSON.stringify({ adminToken, created: false }),
    );
    expect(readFileSync(join(folder, ".dev.vars"), "utf8")).toContain(`ADMIN_TOKEN=${adminToken}`);
  });

  it("are not made anew where there is data that they could not read: what to do is said", async () => {
    mkdirSync(join(folder, ".wrangler/state/v3/d1"), { recursive: true });
    expect(await run("folder.ensureSecrets()")).toMatch(/^There is no \.dev\.vars, but .* rm -r \.wrangler$/);
    expect(() => readFileSync(join(folder, ".dev.vars"))).toThrow("ENOENT");
  });
});

describe("the folder", () => {
  it("is one process's at a time, and the next one is told whose", async () => {
    const first = spawn(
      process.execPath,
      argsOf("await folder.claimFolder(); console.log('mine'); setInterval(() => {}, 1e6)"),
    );
    expect(String((await once(first.stdout, "data"))[0])).toBe("mine\n");
    const claim = "await folder.claimFolder(); console.log('mine')";
    expect(await run(claim)).toBe(`Paybell runs in this folder already, as process ${first.pid}. Stop that one first.`);
    first.kill("SIGKILL");
    await once(first, "exit");
    expect(await run(claim)).toBe("mine");
  });

  it("keeps what it is told to", async () => {
    expect(await run("console.log(folder.recall('shop'))")).toBe("null");
    await run("folder.remember('shop', { key: 1 })");
    expect(await run("console.log(JSON.stringify(folder.recall('shop')))")).toBe('{"key":1}');
  });
});
