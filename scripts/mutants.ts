import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { stripVTControlCharacters } from "node:util";

import { readCommandLine } from "./command.ts";

/** A fault put into the code on purpose, and the tests that have to notice it. */
interface Mutant {
  name: string;
  file: string;
  from: string;
  to: string;
  tests: string[];
  /** The chaos suite has to notice it too: `npm run test:mutants -- --chaos`. */
  chaos?: true;
}

const MUTANTS: Mutant[] = [
  {
    name: "no fence",
    file: "src/outbox/lanes.ts",
    from: 'if (counter !== pending.counter && outcome.kind !== "delivered") {',
    to: 'if (counter > pending.counter && outcome.kind !== "delivered") {',
    tests: ["test/outbox"],
    chaos: true,
  },
  {
    name: "a ring that nobody ends",
    file: "src/platform/hops.ts",
    from: "if (through.some((name) => own.includes(name))) {",
    to: "if (own.length === 0) {",
    tests: ["test/ingest/loops.test.ts"],
  },
  {
    name: "a host that is not waited for",
    file: "src/delivery/post.ts",
    from: 'return status === "enabled" && !isAwaited(env, awaitsHost);',
    to: 'return status === "enabled" && (!isAwaited(env, awaitsHost) || env !== null);',
    tests: ["test/delivery/post.test.ts"],
  },
  {
    name: "secret headers written beside a URL that has changed",
    file: "src/api/endpoint-change.ts",
    from: "leadsAsRead(before), isFew",
    to: "isFew",
    tests: ["test/api/secret-headers.test.ts"],
  },
  {
    name: "a gate that looks without end",
    file: "src/delivery/endpoint-gate.ts",
    from: "await this.#arm(now, now + LOOK_MS);",
    to: "await this.#arm(now);",
    tests: ["test/delivery/endpoint-gate.test.ts"],
  },
  {
    name: "failures in a row excused by what was before",
    file: "src/delivery/breaker.ts",
    from: "return isFailing || isInARow ||",
    to: "return isFailing ||",
    tests: ["test/delivery/breaker.test.ts"],
  },
  {
    name: "all slots for one merchant",
    file: "src/delivery/slots.ts",
    from: "(this.#ofMerchant.get(merchant) ?? 0) < MERCHANT_SLOTS",
    to: "MERCHANT_SLOTS > 0",
    tests: ["test/delivery/slots.test.ts"],
  },
  {
    name: "probes that use up attempts",
    file: "src/outbox/lanes.ts",
    from: "!(isProbe || pending.manual ||",
    to: "!(pending.manual ||",
    tests: ["test/outbox/lanes.test.ts"],
  },
  {
    name: "an old copy believed that an endpoint is paused",
    file: "src/delivery/post.ts",
    from: "const looked = await lookUp(freshConfig, posting);",
    to: "const looked = copy;",
    tests: ["test/delivery/endpoint-gate.test.ts"],
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
    chaos: true,
  },
  {
    name: "dedupe off",
    file: "src/ingest/identity.ts",
    from: "JSON.stringify([scope.merchant, scope.source, ...names])",
    to: "JSON.stringify([scope.merchant, scope.source, ...names, crypto.randomUUID()])",
    tests: ["test/ingest"],
    chaos: true,
  },
  {
    name: "lane released on failure",
    file: "src/outbox/lanes.ts",
    from: "        this.#retry(pending, outcome.retryAt);\n",
    to: "        this.#retry(pending, outcome.retryAt);\n        this.#leave(pending);\n",
    tests: ["test/outbox"],
    chaos: true,
  },
  {
    name: "what is unfinished is tidied away",
    file: "src/store/retention.ts",
    from: 'prefix: "dlv", isOver: `status NOT IN',
    to: 'prefix: "dlv", isOver: `true OR status NOT IN',
    tests: ["test/store/retention.test.ts"],
  },
  {
    name: "lease never ends",
    file: "src/outbox/lanes.ts",
    from: 'if (pending.state === "waiting" || pending.due > now) {',
    to: 'if (pending.state !== "retrying" || pending.due > now) {',
    tests: ["test/outbox"],
    chaos: true,
  },
  {
    name: "replaced secret signs no more",
    file: "src/platform/rotation.ts",
    from: "{ ...one, expiresAt: until }",
    to: "{ ...one, expiresAt: now + 1 }",
    tests: ["test/platform/rotation.test.ts"],
    chaos: true,
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
    file: "src/outbox/state.ts",
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
  {
    name: "gate never asked",
    file: "src/delivery/post.ts",
    from: "  if (verdict.go) {\n",
    to: "  if (verdict.go || Date.now() > 0) {\n    if (!verdict.go) return null;\n",
    tests: ["test/delivery/endpoint-gate.test.ts"],
    chaos: true,
  },
  {
    name: "log row applied twice",
    file: "src/store/log.ts",
    from: "{ [delivery.counter]: attempt }",
    to: "{ [delivery.counter + String(Math.random()).slice(2, 5)]: attempt }",
    tests: ["test/store/log.test.ts"],
    chaos: true,
  },
  {
    name: "a post acknowledged that no queue has",
    file: "src/ingest/defer.ts",
    from: 'return "failed";',
    to: 'return "deferred";',
    tests: ["test/ingest/enrichments.test.ts"],
  },
  {
    name: "a signed post lost that we fail to read",
    file: "src/ingest/reading.ts",
    from: 'return { ok: false, reason: "unreadable" };',
    to: "throw error;",
    tests: ["test/ingest/unreadable.test.ts"],
  },
  {
    name: "a provider shut out by what others did from its address",
    file: "src/ingest/verifying.ts",
    from: "return verification.ok ? request : refuse(verification.reason);",
    to: "return verification.ok && shutOutFor === 0 ? request : refuse('shut-out');",
    tests: ["test/ingest/limits.test.ts"],
  },
  {
    name: "a free text of Alipay's that becomes an amount",
    file: "src/providers/alipay.ts",
    from: "HIDDEN_FIELD.test(value)",
    to: "HIDDEN_FIELD.test('')",
    tests: ["test/providers/one-signature.test.ts"],
  },
  {
    name: "an API that is down given up at once",
    file: "src/ingest/enrichments.ts",
    from: "return ageMs < GIVE_UP_MS;",
    to: "return ageMs < 0;",
    tests: ["test/ingest/enrichments.test.ts"],
  },
  {
    name: "a bridge that keeps no order",
    file: "bridge/lanes.ts",
    from: "(this.#last.get(key) ?? Promise.resolve()).then(work)",
    to: "work()",
    tests: ["test/bridge/lanes.test.ts"],
  },
  {
    name: "a bridge that makes dead letters of all while the source is unknown",
    file: "bridge/post.ts",
    from: "status === 413 || status === 422",
    to: "status === 413 || status === 422 || status === 404",
    tests: ["test/bridge/post.test.ts"],
  },
  {
    name: "a bridge that signs another id at each attempt",
    file: "bridge/map.ts",
    from: '(dedupe === "content" ? hashOf(message.body) : "")',
    to: "crypto.randomUUID()",
    tests: ["test/bridge/map.test.ts"],
  },
  {
    name: "a refund of an unknown amount is one of everything",
    file: "src/event/lifecycle.ts",
    from: 'function isWhole({ status, whole }: Facts["refunds"][number]): boolean {',
    to: 'function isWhole({ status, amount, whole = amount === null }: Facts["refunds"][number]): boolean {',
    tests: ["test/event/lifecycle.test.ts"],
  },
  {
    name: "refunds without an id are one",
    file: "src/event/facts.ts",
    from: "const id = refund?.id || `event:${key}`;",
    to: "const id = refund?.id || `event:${key.slice(0, 0)}`;",
    tests: ["test/event/lifecycle.test.ts"],
  },
  {
    name: "a dispute that was reopened stays where it was",
    file: "src/event/facts.ts",
    from: 'return status === "reopened" && step && step.at > at ? step.status : status;',
    to: 'return status === "reopened" && step && step.at < at ? step.status : status;',
    tests: ["test/event/lifecycle.test.ts"],
  },
];
/** What tests need of the project. */
const PARTS = [
  "src",
  "bridge",
  "scripts",
  "test",
  "docs",
  "migrations",
  "package.json",
  "tsconfig.json",
  "wrangler.toml",
];
/** So many are tried at a time: much of a run is waiting. */
const JOBS = 2;
/** In so many seeds of the chaos suite a mutant has to be noticed. */
const CHAOS_SEEDS = 20;

const usage = `npm run test:mutants
  Puts one fault after the other into a copy of the code, and sees its tests fail. Ends with 1 if one goes unnoticed.

  --chaos  let the chaos suite notice those that it has to (takes an hour)
  --help   print this`;

const { chaos: isChaos } = readCommandLine({ usage, options: { chaos: { type: "boolean" } } }).values;
const root = new URL("..", import.meta.url).pathname;

/** Runs a mutant's tests on a copy of the project; true if they fail, as they must. */
async function isKilled({ name, file, from, to, tests }: Mutant): Promise<boolean> {
  const copy = mkdtempSync(join(tmpdir(), "paybell-mutant-"));
  try {
    for (const part of PARTS) {
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
    const vitest = ["node_modules/vitest/vitest.mjs", "run", "-c", "test/vitest.config.ts", ...tests];
    const chaos = ["test/chaos/chaos.ts", "--seeds", String(CHAOS_SEEDS), "--bail"];
    const child = spawn(process.execPath, isChaos ? chaos : vitest, { cwd: copy, stdio: ["ignore", "pipe", "pipe"] });
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
    const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
    if (/Failed to load url|Cannot find module/.test(errors))
      throw new Error(`The tests of "${name}" do not run:\n${errors}`);
    // Tests that have run and failed: what cannot be loaded notices nothing.
    const sign = isChaos ? /broken promises/ : /AssertionError|^ *Tests +\d+ failed/m;
    return code !== 0 && sign.test(stripVTControlCharacters(output + errors));
  } finally {
    rmSync(copy, { recursive: true });
  }
}

const waiting = MUTANTS.filter(({ chaos = false }) => chaos || !isChaos);
const survivors: Mutant[] = [];

/** Tries one mutant after the other until none waits. */
async function job(): Promise<void> {
  for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
    const killed = await isKilled(mutant);
    console.log(`${killed ? "killed  " : "SURVIVED"} ${mutant.name}`);
    if (!killed) survivors.push(mutant);
  }
}

await Promise.all(Array.from({ length: JOBS }, () => job()));
process.exitCode = survivors.length === 0 ? 0 : 1;
