// What Paybell keeps in this folder: its secrets in `.dev.vars`, its state in `.wrangler`, and who runs on them.

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parseEnv } from "node:util";

/** As the Worker has it: src/platform/keys.ts. */
const MIN_ADMIN_TOKEN_LENGTH = 32;

const root = join(import.meta.dirname, "..");
const secretsFile = join(root, ".dev.vars");
/** Where `wrangler dev` keeps the local database and objects. */
const stateFolder = join(root, ".wrangler/state/v3/d1");
/** What the scripts keep between starts. */
const ownFolder = join(root, ".wrangler/paybell");
/** Relative to the folder of the project: the path of a socket may have no more than about 100 characters. */
const SOCKET = ".wrangler/paybell/running.sock";

/**
 * Makes `.dev.vars` with random secrets if there is none, and says whether it did. Returns its ADMIN_TOKEN. Throws an
 * Error that says what to do where an existing file has none, or where there is state that new secrets could not open.
 */
export function ensureSecrets(): { adminToken: string; created: boolean } {
  const created = !existsSync(secretsFile);
  if (created && existsSync(stateFolder)) {
    throw new Error(
      "There is no .dev.vars, but .wrangler holds the data of earlier starts, which only the secrets of that .dev.vars " +
        "can read. Bring that file back, or delete the data as well and start anew: rm -r .wrangler",
    );
  }
  if (created) {
    const lines = [
      "# Made by the first start, for this machine alone. Production has secrets of its own: docs/deploy.md",
      `ADMIN_TOKEN=${randomBytes(32).toString("base64url")}`,
      `ENCRYPTION_KEY=${randomBytes(32).toString("base64")}`,
      "# Endpoints may be http:// and on this machine. Never set in production.",
      "ALLOW_PRIVATE_ENDPOINTS=true",
    ];
    writeFileSync(secretsFile, `${lines.join("\n")}\n`, { mode: 0o600, flag: "wx" });
  }
  const adminToken = parseEnv(readFileSync(secretsFile, "utf8"))["ADMIN_TOKEN"];
  if (!adminToken) {
    throw new Error("There is no ADMIN_TOKEN in .dev.vars. Add one, or delete .dev.vars and .wrangler to start anew.");
  }
  if (adminToken.length < MIN_ADMIN_TOKEN_LENGTH) {
    throw new Error(
      `The ADMIN_TOKEN in .dev.vars is shorter than ${MIN_ADMIN_TOKEN_LENGTH} characters, and the Worker takes no such. ` +
        "Write a longer one, such as openssl rand -hex 32 makes.",
    );
  }
  return { adminToken, created };
}

/**
 * Claims the state in this folder for this process, for as long as it lives: two Workers on the same state would both
 * deliver. Throws an Error that names the other process if there is one.
 */
export async function claimFolder(): Promise<void> {
  mkdirSync(ownFolder, { recursive: true });
  process.chdir(root);
  if (await isHeld()) return;
  const other = await whoHolds();
  if (other !== null) {
    throw new Error(`Paybell runs in this folder already, as process ${other}. Stop that one first.`);
  }
  // Its owner has died without a word.
  rmSync(SOCKET, { force: true });
  if (!(await isHeld())) throw new Error("Somebody else has just started Paybell in this folder. Stop that one first.");
}

/** A folder for the temporary files of a Worker, empty. `state`: the folder of its state; null: the one here. */
export function temporaryFolder(state: string | null): string {
  const folder = temporaryFolderOf(state);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Where {@link temporaryFolder} is, as a Worker uses it now. */
export function temporaryFolderOf(state: string | null): string {
  return join(state ?? ownFolder, "tmp");
}

/** What the scripts have kept under a name, null if nothing. */
export function recall<T>(name: string): T | null {
  const file = join(ownFolder, `${name}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as T) : null;
}

/** Keeps something under a name until `.wrangler` is deleted. */
export function remember(name: string, value: unknown): void {
  mkdirSync(ownFolder, { recursive: true });
  writeFileSync(join(ownFolder, `${name}.json`), JSON.stringify(value), { mode: 0o600 });
}

/** Holds the socket, where whoever connects is told who we are; false: somebody else holds it, or held it and died. */
function isHeld(): Promise<boolean> {
  const server = createServer((socket) => socket.end(String(process.pid)));
  // It keeps no process alive that has nothing else to do.
  server.unref();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(SOCKET, () => resolve(true));
  });
}

/** The process that holds the socket; null: none does. */
async function whoHolds(): Promise<string | null> {
  return text(connect(SOCKET)).catch(() => null);
}
