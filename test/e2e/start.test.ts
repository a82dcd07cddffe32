import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import { CLAIMS, SABOTAGES } from "../../scripts/demo/sabotage.ts";
import { runNode } from "../scripts/run.ts";

const root = join(import.meta.dirname, "../..");
const quiet = { ...process.env, WRANGLER_SEND_METRICS: "false" };

/** The project as a fresh clone has it after `npm ci`: no secrets, no state. */
let clone: string;
/** `npm run dev` in the clone: what everything here but the first start is played at. */
let dev: ChildProcess;
/** In the environment of `dev` and of all that it starts. */
const mark = randomUUID();
let url: string;

beforeAll(async () => {
  clone = await mkdtemp(join(tmpdir(), "paybell-clone-"));
  for (const part of ["migrations", "package.json", "scripts", "src", "tsconfig.json", "wrangler.toml"]) {
    await cp(join(root, part), join(clone, part), { recursive: true });
  }
  await symlink(join(root, "node_modules"), join(clone, "node_modules"));
});

afterAll(async () => {
  if (dev?.exitCode === null && dev.signalCode === null) {
    const exited = once(dev, "exit");
    process.kill(-dev.pid!, "SIGTERM");
    await exited;
  }
  await rm(clone, { recursive: true, force: true, maxRetries: 5 });
});

interface Ended {
  code: number | null;
  /** What it printed. */
  claims: Record<string, boolean>;
  errors: string;
}

/** Plays the demonstration by the real command line. */
async function play(command: string, args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(command, [...args, "--once", "--json"], {
    cwd: clone,
    env: { ...quiet, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const [code, output, errors] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
  return { code, claims: JSON.parse(output || "{}") as Record<string, boolean>, errors };
}

it("npm start -- --once: a fresh clone starts, every claim holds, and it leaves no temporary files", async () => {
  const temporary = await mkdtemp(join(tmpdir(), "paybell-tmp-"));
  const { code, claims, errors } = await play("npm", ["start", "-s", "--"], { TMPDIR: temporary });
  // Node's own cache of compiled code is npm's.
  expect((await readdir(temporary)).filter((name) => name !== "node-compile-cache")).toEqual([]);
  await rm(temporary, { recursive: true });
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
  expect(claims).toEqual(Object.fromEntries(CLAIMS.map((claim) => [claim, true])));
});

describe("with npm run dev on the port that PORT names", () => {
  beforeAll(async () => {
    const port = await freePort();
    url = `http://localhost:${port}`;
    dev = spawn("npm", ["run", "-s", "dev"], {
      cwd: clone,
      env: { ...quiet, PORT: String(port), PAYBELL_TEST: mark },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    await new Promise<void>((resolve, reject) => {
      let output = "";
      const listen = (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes("Ready on")) resolve();
      };
      dev.stdout!.on("data", listen);
      dev.stderr!.on("data", listen);
      dev.once("exit", (code) => reject(new Error(`npm run dev ended with exit code ${code}:\n${output}`)));
    });
  });

  it.concurrent.each(Object.entries(SABOTAGES))(
    "what breaks the claim %s is found out, and that claim alone: %s",
    async (claim, sabotage) => {
      const args = ["scripts/start.ts", "--sabotage", sabotage, "--url", url];
      const { code, claims, errors } = await play(process.execPath, args);
      expect({ code, errors }).toEqual({ code: 1, errors: `These claims do not hold: ${claim}\n` });
      expect(claims).toEqual(Object.fromEntries(CLAIMS.map((one) => [one, one !== claim])));
    },
  );

  it("plays in the same shop again, and its claims hold there too", async () => {
    const claims = Object.fromEntries(CLAIMS.map((claim) => [claim, true]));
    const shops = async () => {
      const token = await valueOf("ADMIN_TOKEN", "export ADMIN_TOKEN=$(sed -n 's/^ADMIN_TOKEN=//p' .dev.vars)");
      const list = await fetch(`${url}/v1/merchants?limit=100`, { headers: { authorization: `Bearer ${token}` } });
      const { data } = (await list.json()) as { data: { id: string }[] };
      return data.length;
    };
    const before = await shops();
    const again = ["scripts/start.ts", "--url", url];
    expect(await play(process.execPath, again)).toEqual({ code: 0, errors: "", claims });
    expect(await play(process.execPath, again)).toEqual({ code: 0, errors: "", claims });
    expect(await shops()).toBe(before + 1);
  });

  it("a second npm run dev in the folder is refused", async () => {
    const { code, errors } = await runNode(["scripts/dev.ts"], { PORT: String(await freePort()) }, clone);
    expect({ code, errors }).toEqual({
      code: 1,
      errors: expect.stringMatching(/^Paybell runs in this folder already, as process \d+\. Stop that one first\.\n$/),
    });
  });

  it("the README's calls make a merchant, an endpoint and a source", async () => {
    const readme = await readFile(join(root, "README.md"), "utf8");
    const [ofOperator, ofMerchant] = [...readme.matchAll(/```sh\n(export [\s\S]*?)```/g)].map(([, block]) => block!);
    const variables = { ADMIN_TOKEN: await valueOf("ADMIN_TOKEN", ofOperator!), KEY: "" };

    const [merchant] = await callAll(ofOperator!, variables);
    expect(merchant).toMatchObject({ id: expect.stringMatching(/^mer_/), apiKey: expect.stringMatching(/^pbk_/) });
    variables.KEY = merchant!["apiKey"]!;
    const [endpoint, source] = await callAll(ofMerchant!, variables);
    expect(endpoint).toMatchObject({ id: expect.stringMatching(/^ep_/), secret: expect.stringMatching(/^whsec_/) });
    expect(source).toMatchObject({ ingestUrl: expect.stringContaining("/ingest/src_"), status: "active" });
  });

  it("nothing of it outlives a SIGKILL of its process group", async () => {
    const { port } = new URL(url);
    const connection = connect(Number(port), "localhost");
    await once(connection, "connect");
    expect(processesWith(mark).length).toBeGreaterThan(2);
    const closed = new Promise((resolve) => connection.once("close", resolve));
    // It may be reset.
    connection.on("error", () => {});
    process.kill(-dev.pid!, "SIGKILL");
    await closed;
    await vi.waitFor(() => expect(processesWith(mark)).toEqual([]), { timeout: 10_000, interval: 20 });
  });
});

/** The processes that have inherited a mark in their environment. */
function processesWith(mark: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, "utf8").includes(mark);
    } catch {
      // It has ended meanwhile, or is a zombie.
      return false;
    }
  });
}

/** What a shell in the clone makes of a variable that lines of the README export. */
async function valueOf(name: string, lines: string): Promise<string> {
  const script = `${lines.split("\n").find((line) => line.startsWith("export "))}\nprintf %s "$${name}"`;
  const child = spawn("bash", ["-c", script], { cwd: clone, stdio: ["ignore", "pipe", "inherit"] });
  return text(child.stdout);
}

/** Does what the curl commands of a block say; their answers, each of which has to be a success. */
async function callAll(block: string, variables: Record<string, string>): Promise<Record<string, string>[]> {
  const commands = block.replaceAll("\\\n", " ").match(/^curl .*$/gm) ?? [];
  return Promise.all(
    commands.map(async (command) => {
      const filled = command.replaceAll(/\$(\w+)/g, (_, name: string) => variables[name] ?? "");
      const headers = [...filled.matchAll(/ -H "([^:]+): ([^"]*)"/g)].map(
        ([, name, value]) => [name!, value!] as const,
      );
      const path = / localhost:8787(\S+)/.exec(filled)?.[1];
      const body = / -d '([^']*)'/.exec(filled)?.[1];
      const response = await fetch(`${url}${path}`, {
        method: "POST",
        headers: Object.fromEntries(headers) as Record<string, string>,
        body: body!,
      });
      expect([command, response.status]).toEqual([command, 201]);
      return (await response.json()) as Record<string, string>;
    }),
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
