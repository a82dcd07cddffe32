import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** One line of the bridge's log. */
type Line = { message: string } & Record<string, unknown>;

/** A running bridge. */
export interface BridgeProcess {
  lines: Line[];
  /** Resolves with the first line of this name, which may have come already. */
  line(message: string): Promise<Line>;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
  /** The exit code; null where a signal ended it. */
  exited: Promise<number | null>;
}

/** Starts the bridge as `npm run bridge` does. */
export function startBridge(args: Record<string, string>, env: Record<string, string>): BridgeProcess {
  const flags = Object.entries(args).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(process.execPath, [join(root, "bridge/bridge.ts"), ...flags], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: Line[] = [];
  const waiting = new Set<() => void>();
  const listen = (chunk: string) => {
    for (const text of chunk.split("\n").filter(Boolean)) {
      // A line that is none is what Node says when it crashes.
      lines.push(text.startsWith("{") ? (JSON.parse(text) as Line) : { message: text });
    }
    waiting.forEach((check) => check());
  };
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      const [last = "", ...whole] = (rest + chunk).split("\n").reverse();
      rest = last;
      listen(whole.reverse().join("\n"));
    });
  }
  return {
    lines,
    line: (message) =>
      new Promise((resolve) => {
        const check = () => {
          const found = lines.find((line) => line.message === message);
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      }),
    kill: (signal) => void child.kill(signal),
    exited: once(child, "exit").then(([code]) => code as number | null),
  };
}
