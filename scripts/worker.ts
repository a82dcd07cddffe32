// Paybell on this machine: its database, and `wrangler dev` on a leash, so that it never outlives us.

import { spawn, type ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";

import { temporaryFolder } from "./folder.ts";

const root = join(import.meta.dirname, "..");
const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
const leash = join(import.meta.dirname, "leash.ts");

const DEFAULT_PORT = 8787;
/** How long wrangler may take until the Worker runs; a build that fails only waits for the code to change. */
const START_MS = 90_000;
/** How long wrangler may take to end by itself. */
const STOP_MS = 5_000;
/** So much of what wrangler has said lately is kept, for when it fails. */
const KEPT_CHARS = 20_000;

/** A Worker that answers at `url`. */
export interface RunningWorker {
  url: string;
  /** Resolves with the exit code once wrangler has ended, whoever ended it. */
  exited: Promise<number>;
  /** What wrangler has printed lately. */
  output(): string;
  /** Ends wrangler and everything it has started. */
  stop(): Promise<void>;
}

/** Brings the local database up to date. `state`: the folder of the local state; null: `.wrangler` here. */
export async function migrate(state: string | null): Promise<void> {
  const child = run(["d1", "migrations", "apply", "DB", "--local", ...persistTo(state)], state);
  const output = collect(child);
  const code = await exitOf(child);
  if (code !== 0) throw new Error(`The migrations could not be applied:\n${output()}`);
}

/**
 * Starts `wrangler dev` on a port of loopback; resolves when it takes requests, rejects with what it printed if it
 * ends before. `isLoud`: what it prints goes to the terminal.
 */
export async function startWorker(options: {
  port: number;
  state: string | null;
  isLoud: boolean;
}): Promise<RunningWorker> {
  const { port, state, isLoud } = options;
  const ports = ["--port", String(port), "--inspector-port", String(await freePort())];
  const child = run(
    ["dev", "--ip", "127.0.0.1", ...ports, "--show-interactive-dev-session=false", ...persistTo(state)],
    state,
  );
  const output = collect(child);
  if (isLoud) {
    child.stdout?.pipe(process.stdout);
    child.stderr?.pipe(process.stderr);
  }
  const exited = exitOf(child);
  // Wrangler says that it starts the runtime again, and what it starts does not answer.
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      if (!chunk.toString().includes("Workers runtime crashed")) return;
      console.error("The Worker has crashed. Start it again: its data is kept.");
      killGroup(child);
    });
  }
  await new Promise<void>((resolve, reject) => {
    const fail = (what: string) => reject(new Error(`wrangler dev ${what}:\n${output()}`));
    // A person who develops waits for a build as long as it takes to mend it.
    const timer = isLoud ? undefined : setTimeout(() => fail("did not start"), START_MS);
    child.stdout?.on("data", () => {
      if (!output().includes("Ready on")) return;
      clearTimeout(timer);
      resolve();
    });
    void exited.then((code) => fail(`ended with exit code ${code}`));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    exited,
    output,
    stop: async () => {
      child.kill("SIGTERM");
      const timer = setTimeout(() => killGroup(child), STOP_MS);
      await exited;
      clearTimeout(timer);
      killGroup(child);
    },
  };
}

/** The port that PORT names, or 8787. Throws an Error for people to read if it is no port or somebody has it. */
export async function portToUse(): Promise<number> {
  const port = Number(process.env["PORT"] ?? DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`PORT has to be a number from 1 to 65535, not '${process.env["PORT"]}'.`);
  if (!(await isFree(port))) throw new Error(`Port ${port} is in use. Set another one, such as PORT=8080.`);
  return port;
}

/** The port that PORT names, or 8787; if somebody has it, any that is free. */
export async function portToUseOrAnother(): Promise<number> {
  return portToUse().catch(() => freePort());
}

/** Ends everything we have started when we end, on Ctrl-C too. `cleanUp` runs last, and at once. */
export function endTogether(cleanUp: () => void = () => {}): void {
  process.once("exit", () => {
    for (const child of children) killGroup(child);
    cleanUp();
  });
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    process.once(signal, () => process.exit(code));
  }
}

const children = new Set<ChildProcess>();

/** Each child leads a process group of its own: workerd outlives its parent, the group is what ends on its leash. */
function run(args: string[], state: string | null): ChildProcess {
  const child = spawn(process.execPath, [leash, wrangler, ...args], {
    cwd: root,
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", TMPDIR: temporaryFolder(state) },
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  children.add(child);
  return child;
}

function persistTo(state: string | null): string[] {
  return state === null ? [] : ["--persist-to", state];
}

function collect(child: ChildProcess): () => string {
  let text = "";
  const keep = (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-KEPT_CHARS);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  return () => text;
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once("error", () => resolve(1));
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

function killGroup(child: ChildProcess): void {
  children.delete(child);
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The group is gone already.
  }
}

async function isFree(port: number): Promise<boolean> {
  return (await tryListen(port)) !== null;
}

async function freePort(): Promise<number> {
  const port = await tryListen(0);
  if (port === null) throw new Error("There is no free port on this machine");
  return port;
}

/** Listens for a moment; the port it got, null if it got none. */
function tryListen(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === "object" ? address.port : null));
    });
  });
}
