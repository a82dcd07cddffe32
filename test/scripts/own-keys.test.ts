import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";

const root = new URL("../..", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "own-keys-"));

afterAll(() => rmSync(folder, { recursive: true }));

writeFileSync(
  join(folder, "config.json"),
  JSON.stringify({
    jsPlugins: [join(root, ".ci/lint/own-keys.js")],
    categories: { correctness: "off" },
    rules: { "paybell/own-keys": "error" },
  }),
);

/** The lines of a text that the rule refuses, counted from 1. */
function refusedLines(lines: string[]): number[] {
  const file = join(folder, "code.ts");
  writeFileSync(file, lines.join("\n"));
  const args = ["-c", join(folder, "config.json"), "--format=json", file];
  const output = spawnSync(join(root, "node_modules/.bin/oxlint"), args, { encoding: "utf8" }).stdout;
  const { diagnostics } = JSON.parse(output) as { diagnostics: { labels: { span: { line: number } }[] }[] };
  return diagnostics.map(({ labels }) => labels[0]!.span.line).sort((a, b) => a - b);
}

it("refuses a key from outside in a table, a parameter, a field, a cast and `in`", () => {
  expect(
    refusedLines([
      "const TABLE: Record<string, number> = { a: 1 };",
      "const CLOSED = { a: 1 };",
      "export const one = (word: string) => TABLE[word];",
      "export const two = (word: string) => CLOSED[word as keyof typeof CLOSED];",
      "export const three = (some: Readonly<Record<string, number>> | null, word: string) => some?.[word.trim()];",
      "export const four = (value: object, word: string) => (value as Record<string, unknown>)[word];",
      "export const five = (word: string) => word in CLOSED;",
      "export class Six {",
      "  #known: Record<string, number> = {};",
      "  put(word: string) { this.#known[word] = 1; }",
      "}",
    ]),
  ).toEqual([3, 4, 5, 6, 7, 10]);
});

it("takes what is asked for first, what the code names, lists and Maps", () => {
  expect(
    refusedLines([
      "const TABLE: Record<string, number> = { a: 1 };",
      "const MAP = new Map([['a', 1]]);",
      "export const one = (word: string) => (Object.hasOwn(TABLE, word) ? TABLE[word] : undefined);",
      "export const two = () => TABLE['a'];",
      "export const three = (list: number[], i: number) => list[i];",
      "export const four = (word: string) => MAP.get(word);",
      "export const five = (known: Record<'a' | 'b', number>, name: 'a' | 'b') => known[name];",
      "export const six = (value: object) => 'a' in value;",
    ]),
  ).toEqual([]);
});
