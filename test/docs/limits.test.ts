import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, it } from "vitest";

import { CAPS } from "../../src/platform/caps.ts";

const page = await readFile(join(import.meta.dirname, "../../docs/limits.md"), "utf8");

it.each(Object.entries(CAPS))("docs/limits.md says how many %s a merchant may have", (_, cap) => {
  const inTable = page.split("\n").filter((line) => line.startsWith("|"));
  expect(inTable.some((line) => line.split("|")[2]!.includes(cap.toLocaleString("en")))).toBe(true);
});
