import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { transformWithOxc } from "vite";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

/** Words with hyphens or signs that stay: they stand in the bodies of webhooks, or in endpoints' settings. */
const KEPT = new Set(["signed-weak", "hmac+ed25519"]);

/** Names of providers, and what is handed on to Cloudflare as it is: words of others. */
const NOT_OURS = new Set([
  "NewSource.provider",
  "NewMerchant.region",
  "NewMerchant.jurisdiction",
  "KeySet.kty",
  "KeySet.crv",
]);

/** Lists of what there is, not places where it is made: what an enum offers, and constants of nothing but words. */
const LISTS = /(?:\.enum\(|const [A-Z_]+ = )\[[^[\]]*\]|\.literal\("\w+"\)/g;
const COMMENTS = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;

interface Enum {
  /** The schema's or operation's name and the field's. */
  name: string;
  values: unknown[];
}

const enums = enumsOf(JSON.parse(readFileSync(join(root, "docs/openapi.json"), "utf8")));
const produced = await producedWords();

describe.each(enums)("$name", ({ name, values }) => {
  const words = values.filter((value): value is string => typeof value === "string");

  it.skipIf(NOT_OURS.has(name))("offers only what src produces or acts on", () => {
    expect(words.filter((word) => !produced.has(word))).toEqual([]);
  });

  it.skipIf(NOT_OURS.has(name))("is in snake case", () => {
    expect(words.filter((word) => !KEPT.has(word) && !/^[a-z0-9_:]+$/.test(word))).toEqual([]);
  });
});

/** Every enum of the document. */
function enumsOf(document: { components: { schemas: object }; paths: object }): Enum[] {
  const ofSchemas = Object.entries(document.components.schemas).flatMap(([name, schema]) => within(schema, name));
  const ofPaths = Object.entries(document.paths).flatMap(([path, methods]) => within(methods, path));
  return [...ofSchemas, ...ofPaths];
}

function within(part: unknown, name: string): Enum[] {
  if (typeof part !== "object" || part === null) {
    return [];
  }
  const { enum: values, properties = {}, name: parameter, ...rest } = part as Record<string, unknown>;
  const own = Array.isArray(values) ? [{ name, values }] : [];
  const [schema] = name.split(".");
  const fields = Object.entries(properties as object).flatMap(([field, one]) => within(one, `${schema}.${field}`));
  const below = Object.entries(rest).filter(([key]) => key !== "example" && key !== "examples");
  const at = typeof parameter === "string" ? `${name}.${parameter}` : name;
  return [...own, ...fields, ...below.flatMap(([, one]) => within(one, at))];
}

/** The words of `src` that stand where something is made or told apart: in no type, in no list, in no comment. */
async function producedWords(): Promise<Set<string>> {
  const paths = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  const codes = paths
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))
    .map(async (path) => (await transformWithOxc(readFileSync(join(root, "src", path), "utf8"), path)).code);
  const text = (await Promise.all(codes)).join("\n").replaceAll(COMMENTS, "").replaceAll(LISTS, "");
  return new Set([...text.matchAll(/["']([\w:+-]+)["']/g)].map(([, word]) => word!));
}
