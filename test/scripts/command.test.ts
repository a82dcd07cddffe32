import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { runNode } from "./run.ts";

const root = join(import.meta.dirname, "../..");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> };

/** The npm scripts that are programs of ours. */
const programs = Object.entries(scripts).flatMap(([name, line]) => {
  const [, program] = /^node (?:--\S+ )?(\S+\.ts)$/.exec(line) ?? [];
  return program === undefined ? [] : [{ name, program }];
});

it("are all known here: start, dev, deploy, and the rest", () => {
  expect(programs.map(({ name }) => name)).toEqual(expect.arrayContaining(["start", "dev", "deploy", "gen", "bench"]));
  expect(programs.length).toBeGreaterThan(10);
});

describe.concurrent.each(programs)("npm run $name", ({ name, program }) => {
  const ownName = name === "start" ? "npm start" : `npm run ${name}`;

  it("--help says what it does, and does nothing", async () => {
    const { code, output, errors } = await runNode([program, "--help"]);
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(output).toContain(ownName);
  });

  it("refuses a flag that it does not know, with its usage and no stack", async () => {
    const { code, output, errors } = await runNode([program, "--onec"]);
    // The bridge ends as its supervisor wants it: what is configured wrongly is not started again.
    expect({ code, output }).toEqual({ code: name === "bridge" ? 78 : 2, output: "" });
    expect(errors).toMatch(/^Unknown option '--onec'\n\n/);
    expect(errors).toContain(ownName);
    expect(errors).not.toMatch(/^ +at /m);
  });
});

it("takes -h for --help", async () => {
  expect(await runNode(["scripts/start.ts", "-h"])).toEqual(await runNode(["scripts/start.ts", "--help"]));
});

it.each(["start", "dev", "deploy"])("npm run %s refuses a word where it takes none", async (name) => {
  const { program } = programs.find((one) => one.name === name)!;
  const { code, errors } = await runNode([program, "once"]);
  expect({ code, errors }).toEqual({ code: 2, errors: expect.stringMatching(/^Unexpected argument 'once'\n\n/) });
});

it.each([
  ["nonsense", 2, /^--url nonsense is no URL\n/],
  ["http://127.0.0.1:1", 1, /^http:\/\/127\.0\.0\.1:1 does not answer: /],
])("npm start -- --url %s ends, and says why", async (url, code, message) => {
  const ended = await runNode(["scripts/start.ts", "--url", url]);
  expect(ended).toEqual({ code, output: "", errors: expect.stringMatching(message) });
});

it.each([
  ["test/chaos/chaos.ts", "--seeds", "many"],
  ["test/chaos/chaos.ts", "--jobs", "0"],
  ["test/chaos/chaos.ts", "--seed", "1e3"],
])("%s %s %s: no such number", async (program, flag, value) => {
  const { code, errors } = await runNode([program, flag, value]);
  expect({ code, errors }).toEqual({
    code: 2,
    errors: expect.stringMatching(new RegExp(`^${flag} is a whole number from \\d+ to \\d+, not '${value}'\n`)),
  });
});
