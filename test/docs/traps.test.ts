import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => (existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : "");

const TEST = /`(test\/[^`]+\.test\.ts)` "([^"]+)"/g;
const DECISION = /`(docs\/[^`]+\.md)`/g;

/** Every trap with what is said to hold it. */
const rows = read("test/traps.md")
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .slice(2)
  .map((line) => {
    const [, trap = "", answer = ""] = line.split("|").map((cell) => cell.trim());
    const tests = [...answer.matchAll(TEST)].map(([, path = "", name = ""]) => ({ path, name }));
    const decisions = [...answer.matchAll(DECISION)].map(([, path = ""]) => path);
    return { trap, tests, decisions, rest: answer.replaceAll(TEST, "").replaceAll(DECISION, "") };
  });

/** Whether a file has a test of that name, which is run. */
function isRun({ path, name }: { path: string; name: string }): boolean {
  const quoted = `(?<!describe)\\(\\s*"${name.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)}"`;
  const text = read(path);
  return new RegExp(`${quoted},`).test(text) && !new RegExp(`\\.(skip|todo)${quoted}`).test(text);
}

it("has an answer to every trap, and cites nothing in another form than the two that are looked up", () => {
  expect(rows.length).toBeGreaterThan(60);
  expect(rows.filter(({ trap, tests, decisions }) => trap === "" || tests.length + decisions.length === 0)).toEqual([]);
  expect(rows.filter(({ rest }) => !/^[, ]*$/.test(rest))).toEqual([]);
});

it("cites tests that there are, and pages that there are", () => {
  expect(rows.flatMap(({ tests }) => tests).filter((cited) => !isRun(cited))).toEqual([]);
  expect(rows.flatMap(({ decisions }) => decisions).filter((path) => read(path) === "")).toEqual([]);
});

it("rests on decisions alone in at most ten rows", () => {
  expect(rows.filter(({ tests }) => tests.length === 0).length).toBeLessThanOrEqual(10);
});
