import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";

import document from "../../docs/openapi.json";
import { differing } from "../support/document.ts";
import { call, newMerchant } from "../support/merchant.ts";
import { furnishedMerchant } from "./support.ts";

type Node = Record<string, unknown>;
interface Operation {
  operationId: string;
  security: object[];
  requestBody?: { content: { "application/json": { schema: Node; example?: unknown } } };
}

/** The example's times are of the day before. */
const NOW = Date.parse("2026-11-24T12:00:00.000Z");

const operations = Object.entries(document.paths as unknown as Record<string, Record<string, Operation>>).flatMap(
  ([path, item]) => Object.entries(item).map(([method, operation]) => ({ ...operation, method, path })),
);

/** Every schema of the document with an example of its own, and where it stands. */
function exampled(node: unknown, at: string): { at: string; schema: Node; example: unknown }[] {
  if (typeof node !== "object" || node === null) {
    return [];
  }
  const inner = Object.entries(node).flatMap(([key, one]) => (key === "example" ? [] : exampled(one, `${at}/${key}`)));
  if (!("example" in node)) {
    return inner;
  }
  const { example, ...rest } = node as Node;
  return [{ at, schema: (rest["schema"] as Node | undefined) ?? rest, example }, ...inner];
}

afterEach(() => {
  vi.useRealTimers();
});

describe("the examples of the OpenAPI document", () => {
  it.each(exampled(document, "#"))("$at fits its schema", ({ schema, example }) => {
    expect(differing(schema, example)).toEqual([]);
  });

  it.each(operations.filter(({ requestBody }) => requestBody))("$operationId takes its own", async (operation) => {
    vi.useFakeTimers({ toFake: ["Date"], now: NOW });
    const { example } = operation.requestBody!.content["application/json"];
    expect(example).toBeDefined();
    const owner = await furnishedMerchant();
    const ids: Record<string, string> = { ...owner, userId: owner.user, channel: "email", id: owner.endpoint };
    if (operation.path.startsWith("/v1/sources")) {
      ids["id"] = owner.source;
    } else if (operation.path.startsWith("/v1/merchants")) {
      ids["id"] = (await newMerchant()).id;
    }
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name]!);
    const key = "adminToken" in operation.security[0]! ? env.ADMIN_TOKEN : owner.key;
    const { status } = await call(operation.method.toUpperCase(), path, { key, body: example });
    expect(status).toBeLessThan(300);
  });
});
