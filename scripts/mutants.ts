import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A fault put into the code on purpose, and the tests that have to notice it. */
interface Mutant {
  name: string;
  file: string;
  from: string;
  to: string;
  tests: string[];
}

const MUTANTS: Mutant[] = [
  {
    name: "no fence",
    file: "src/outbox/lanes.ts",
    from: 'if (counter !== pending.counter && outcome.kind !== "delivered") {',
    to: 'if (counter > pending.counter && outcome.kind !== "delivered") {',
    tests: ["test/outbox"],
  },
  {
    name: "late message starts unasked",
    file: "src/delivery/post.ts",
    from: "if (isFirst && Date.now() < dispatch.startBy) {",
    to: "if (isFirst) {",
    tests: ["test/delivery/messages.test.ts"],
  },
  {
    name: "settle before log",
    file: "src/delivery/ledger.ts",
    from: "const isLogged = await this.#log([...pages.values()].flatMap(({ rows }) => rows));",
    to: "const isLogged = true; void this.#log([...pages.values()].flatMap(({ rows }) => rows));",
    tests: ["test/delivery/ledger.test.ts"],
  },
  {
    name: "dedupe off",
    file: "src/ingest/identity.ts",
    from: "JSON.stringify([scope.merchant, scope.source, ...names])",
    to: "JSON.stringify([scope.merchant, scope.source, ...names, crypto.randomUUID()])",
    tests: ["test/ingest"],
  },
  {
    name: "lane released on failure",
    file: "src/outbox/lanes.ts",
    from: "        this.#retry(pending, outcome.retryAt);\n",
    to: "        this.#retry(pending, outcome.retryAt);\n        this.#leave(pending);\n",
    tests: ["test/outbox"],
  },
  {
    name: "what is unfinished is tidied away",
    file: "src/store/retention.ts",
    from: "id < ?2 AND status NOT IN ('pending', 'retrying')",
    to: "id < ?2",
    tests: ["test/store/retention.test.ts"],
  },
  {
    name: "lease never ends",
    file: "src/outbox/lanes.ts",
    from: 'if (pending.state === "waiting" || pending.due > now) {',
    to: 'if (pending.state !== "retrying" || pending.due > now) {',
    tests: ["test/outbox"],
  },
  {
    name: "replaced secret signs no more",
    file: "src/platform/rotation.ts",
    from: "{ ...one, expiresAt: until }",
    to: "{ ...one, expiresAt: now + 1 }",
    tests: ["test/platform/rotation.test.ts"],
  },
  {
    name: "re-sealing overwrites what was changed meanwhile",
    file: "src/store/reseal.ts",
    from: "const where = [`${column} = ?2`,",
    to: "const where = [`?2 = ?2`,",
    tests: ["test/store/reseal.test.ts"],
  },
  {
    name: "late events keep their old place",
    file: "src/store/log.ts",
    from: "export const ON_TIME_MS = 5_000;",
    to: "export const ON_TIME_MS = 500_000;",
    tests: ["test/store/feed.test.ts"],
  },
  {
    name: "sent again out of order",
    file: "src/outbox/user-outbox.ts",
    from: "lane: lane && AGAIN + lane,",
    to: "lane: null,",
    tests: ["test/outbox/again.test.ts"],
  },
  {
    name: "job forgets what it asked for",
    file: "src/delivery/replay-round.ts",
    from: "bite.forEach((one) => (one.isAsked = true));",
    to: "",
    tests: ["test/delivery/replay-job.test.ts"],
  },
  {
    name: "pace that forgets a second",
    file: "src/delivery/pace.ts",
    from: "at > now - WINDOW_MS",
    to: "at > now - WINDOW_MS / 2",
    tests: ["test/delivery/pace.test.ts"],
  },
];

const root = new URL("..", import.meta.url).pathname;

/** Runs a mutant's tests on a copy of the project; true if they fail, as they must. */
function isKilled({ name, file, from, to, tests }: Mutant): boolean {
  const copy = mkdtempSync(join(tmpdir(), "paybell-mutant-"));
  try {
    for (const part of ["src", "test", "migrations", "package.json", "tsconfig.json", "wrangler.toml"]) {
      cpSync(join(root, part), join(copy, part), { recursive: true });
    }
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    const source = readFileSync(join(copy, file), "utf8");
    if (source.split(from).length !== 2) {
      throw new Error(`The mutant "${name}" does not find its place in ${file}`);
    }
    writeFileSync(
      join(copy, file),
      source.replace(from, () => to),
    );
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const args = [vitest, "run", "-c", "test/vitest.config.ts", ...tests];
    const run = spawnSync(process.execPath, args, { cwd: copy, encoding: "utf8" });
    return run.status !== 0 && `${run.stdout}${run.stderr}`.includes("AssertionError");
  } finally {
    rmSync(copy, { recursive: true });
  }
}

const survivors = MUTANTS.filter((mutant) => {
  const killed = isKilled(mutant);
  console.log(`${killed ? "killed  " : "SURVIVED"} ${mutant.name}`);
  return !killed;
});
process.exitCode = survivors.length === 0 ? 0 : 1;
