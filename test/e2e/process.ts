import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = new URL("../..", import.meta.url).pathname;
const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
/** What it holds ends with us, also where we are killed. */
const leash = join(root, "scripts/leash.ts");
const quiet = { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "true" };

export const ADMIN_TOKEN = "admin-token-of-the-tests-from-outside";

/** A running `wrangler dev` with its address, and how to end it as a crash would. */
export interface WorkerProcess {
  url: string;
  /** All that it has printed so far. */
  output(): string;
  kill(): Promise<void>;
}

/** A new folder for the state of a Worker, with its secrets and its migrated database. */
export async function newState(): Promise<string> {
  const state = await mkdtemp(join(tmpdir(), "paybell-"));
  await writeFile(
    join(state, "secrets.env"),
    [
      `ADMIN_TOKEN=${ADMIN_TOKEN}`,
      `ENCRYPTION_KEY=${Buffer.alloc(32, 7).toString("base64")}`,
      "ALLOW_PRIVATE_ENDPOINTS=true",
      "RATE_LIMITS=off",
    ].join("\n"),
  );
  const child = run(["d1", "migrations", "apply", "DB", "--local", "--persist-to", state]);
  const code = await new Promise((resolve) => child.once("exit", resolve));
  if (code !== 0) {
    throw new Error(`The migrations were not applied (exit code ${String(code)})`);
  }
  return state;
}

/** Starts the Worker of the tests on a state folder, on a free port if on none said; resolves when it takes requests. */
export async function startWorker(
  state: string,
  vars: Record<string, string> = {},
  port?: number,
): Promise<WorkerProcess> {
  port ??= await freePort();
  const child = run([
    "dev",
    "test/support/worker.ts",
    `--port=${port}`,
    "--ip=127.0.0.1",
    `--inspector-port=${await freePort()}`,
    `--persist-to=${state}`,
    `--env-file=${join(state, "secrets.env")}`,
    "--show-interactive-dev-session=false",
    ...Object.entries(vars).map(([name, value]) => `--var=${name}:${value}`),
  ]);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let text = "";
  await new Promise<void>((resolve, reject) => {
    const listen = (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("Ready on")) {
        resolve();
      }
    };
    child.stdout?.on("data", listen);
    child.stderr?.on("data", listen);
    void exited.then(() => reject(new Error(`wrangler dev ended:\n${text}`)));
  });
  if (process.env["PAYBELL_E2E_LOG"]) {
    process.stdout.write(text);
    child.stdout?.pipe(process.stdout);
    child.stderr?.pipe(process.stderr);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    output: () => text,
    kill: async () => {
      killGroup(child);
      await exited;
    },
  };
}

function run(args: string[]): ChildProcess {
  return spawn(process.execPath, [leash, wrangler, ...args], {
    cwd: root,
    env: quiet,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
}

/** SIGKILL to the whole group: workerd outlives its parent otherwise. */
function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}

/** A port of loopback that nobody has. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
