import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const root = join(import.meta.dirname, "../..");

/** How a command has ended, and what it printed. */
export interface Ended {
  code: number | null;
  output: string;
  errors: string;
}

/** Runs one of the project's programs as its npm script does. `folder`: of the project, or of a copy of it. */
export async function runNode(args: string[], env: Record<string, string> = {}, folder = root): Promise<Ended> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { code, output, errors };
}
