import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

const readme = read("README.md");
const pages = ["README.md", ...globSync("docs/**/*.md", { cwd: root })];
const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };

/** Code blocks of a page by their language. */
function blocks(page: string, language: string): string[] {
  return [...page.matchAll(new RegExp(`^ *\`\`\`${language}\\n([\\s\\S]*?)^ *\`\`\``, "gm"))].map(
    ([, code = ""]) => code,
  );
}

it("shows the two commands, the flow, and calls to try", () => {
  expect(blocks(readme, "sh")[0]).toBe("npm ci\nnpm start\n");
  expect(blocks(readme, "mermaid")).toHaveLength(1);
  expect(blocks(readme, "sh").join("")).toMatch(/curl .*\/v1\/merchants/);
  expect(blocks(readme, "js")).toHaveLength(1);
});

it("is short", () => {
  expect(readme.split("\n").length).toBeLessThan(100);
});

it.each(pages)("%s names npm scripts that exist", (page) => {
  const named = [...read(page).matchAll(/\bnpm (?:run )?(start|test|deploy|dev|(?<=run )[\w:]+)/g)].map(
    ([, name = ""]) => name,
  );
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

it.each(pages)("%s links to what exists", (page) => {
  const links = [...read(page).matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, link = ""]) => link);
  const local = links.filter((link) => !/^https?:/.test(link));
  expect(local.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
});

it.each(pages)("%s cites paths that exist", (page) => {
  const cited = [...read(page).matchAll(/`((?:src|test|docs|scripts|migrations|\.ci)\/[^`{}*]*)`/g)].map(
    ([, path = ""]) => path,
  );
  expect(cited.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

it("walks one event through at most seven files, each under 250 lines", () => {
  const walk = read("docs/architecture.md").split("## The way of an event, by file")[1]?.split("\n## ")[0] ?? "";
  const files = [...walk.matchAll(/^\d\. \[(src\/[^\]]+)\]/gm)].map(([, path = ""]) => path);
  expect(files.at(0)).toBe("src/index.ts");
  expect(files.at(-1)).toBe("src/channels/webhook.ts");
  expect(files.length).toBeLessThanOrEqual(7);
  const lines = files.map((path) => [path, read(path).split("\n").length - 1] as const);
  expect(lines.filter(([, count]) => count >= 250)).toEqual([]);
});

it("has an endpoint for every path of the API that the README calls", () => {
  const called = [...readme.matchAll(/(\/v1\/[a-z-]+)/g)].map(([, path = ""]) => path);
  const routes = globSync("src/api/*.ts", { cwd: root }).map(read).join("");
  expect(called.filter((path) => !routes.includes(`"${path}"`))).toEqual([]);
});
