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

/** Every command of the README, with the file that runs it. */
const RUN_BY: Record<string, string> = {
  "npm ci": ".ci/run",
  "npm start": "test/e2e/start.test.ts",
  "npm start -- --once": ".ci/run",
  "npm run dev": "test/e2e/start.test.ts",
  "npm run trigger -- stripe payment_intent.succeeded --to INGEST_URL --secret whsec_from_your_stripe_dashboard":
    "test/scripts/trigger.test.ts",
};

it("names no command that is not run", () => {
  const lines = blocks(readme, "sh").join("").replaceAll("\\\n", " ").trim().split("\n");
  const inText = [...readme.matchAll(/`(npm [^`\n]+)`/g)].map(([, command = ""]) => command);
  // The blocks of export and curl are run by test/e2e/start.test.ts as they stand.
  const commands = [...lines, ...inText].filter((line) => !/^(export|curl) /.test(line));
  expect(commands.filter((command) => !(command in RUN_BY))).toEqual([]);
  expect(read(".ci/run")).toMatch(/^npm ci\b/m);
  expect(read(".ci/run")).toMatch(/^npm start -- --once\b/m);
});

it("verifies webhooks as the demonstration's receiver does", () => {
  expect(blocks(readme, "js")[0]).toContain("new Webhook(secret).verify(body, headers)");
  expect(read("scripts/demo/receiver.ts")).toContain("new Webhook(secret).verify(body, headers)");
});

it("is short", () => {
  expect(readme.split("\n").length).toBeLessThan(100);
});

it.each(pages)("%s names npm scripts that exist", (page) => {
  const named = [...read(page).matchAll(/\bnpm (?:run )?(start|test|deploy|dev|(?<=run )[\w:-]+)/g)].map(
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

it("cites a test for every promise", () => {
  const rows = read("docs/guarantees.md")
    .split("## What is not promised")[0]!
    .match(/^\| .*$/gm)!
    .slice(2);
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.filter((row) => !/`test\/[^`]+\.test\.ts`/.test(row))).toEqual([]);
});

it("keeps decisions short, each listed, with how it is checked", () => {
  const list = read("docs/decisions/README.md");
  const records = globSync("docs/decisions/*.md", { cwd: root }).filter((path) => !path.endsWith("/README.md"));
  for (const path of records) {
    const text = read(path);
    expect([
      path,
      text.split("\n").length <= 41,
      text.includes("**Decided:**"),
      text.includes("**Checked by:**"),
    ]).toEqual([path, true, true, true]);
    expect(list).toContain(`](${path.split("/").at(-1)})`);
  }
});
