// Workers in workerd without the proxies of `wrangler dev`, which serve a few hundred requests a second and would hide
// everything above that: requests go straight to the Worker's own socket.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { convertV4MiniflareOptions, Miniflare, type V4MiniflareOptions } from "miniflare";

/** A Worker that runs alone in a workerd of its own. */
export interface Host {
  url: string;
  miniflare: Miniflare;
  /** Seconds of CPU that its workerd has used so far. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

/** Starts a Worker on state of its own, in memory where the machine has a file system there. */
export async function startHost(worker: V4MiniflareOptions): Promise<Host> {
  const state = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "paybell-bench-"));
  const others = new Set(workerds());
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...worker,
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
      inspectorPort: 0,
      resourcePersistencePath: state,
      cf: false,
      telemetry: { enabled: false },
    } as V4MiniflareOptions),
  );
  await miniflare.ready;
  const pid = workerds().find((one) => !others.has(one));
  if (pid === undefined) throw new Error("There is no workerd to be measured: this needs Linux");
  return {
    url: (await miniflare.unsafeGetDirectURL()).origin,
    miniflare,
    cpuSeconds: () => cpuSecondsOf(pid),
    stop: async () => {
      await miniflare.dispose();
      rmSync(state, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** The processes of workerd that we have started. */
function workerds(): number[] {
  const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return pids.filter((pid) => {
    const [, name, rest = ""] = /^\d+ \((.*)\) (.*)$/s.exec(statOf(pid)) ?? [];
    return name === "workerd" && Number(rest.split(" ")[1]) === process.pid;
  });
}

/** Ticks of 10 ms: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, fields 14 and 15. */
function cpuSecondsOf(pid: number): number {
  const fields = statOf(pid).split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return "";
  }
}
