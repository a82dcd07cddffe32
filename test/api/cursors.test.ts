import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";

import document from "../../docs/openapi.json";
import { call } from "../support/merchant.ts";
import { furnishedMerchant } from "./support.ts";

let key: string;

beforeAll(async () => {
  ({ key } = await furnishedMerchant());
});

interface Operation {
  parameters?: { name?: string }[];
  security: object[];
}

const lists = Object.entries(document.paths as unknown as Record<string, { get?: Operation }>).flatMap(
  ([path, { get }]) => (get?.parameters?.some(({ name }) => name === "after") ? [{ path, get }] : []),
);

describe("a cursor", () => {
  it.each([...lists, { path: "/v1/events?wait=0&order=asc", get: lists[0]!.get }])(
    "of $path that no page has handed out is refused",
    async ({ path, get }) => {
      const as = path.includes("wait") || "apiKey" in get.security[0]! ? key : env.ADMIN_TOKEN;
      const at = path.includes("?") ? "&" : "?";
      const { json: whole } = await call("GET", `${path}${at}limit=1`, { key: as });
      const given = whole["next"] as string | null;
      // Users' ids are the merchant's own: of those only what can be none is seen to be damaged.
      const damaged = ["\u0000", ...(path === "/v1/users" ? [] : ["x", "evt_", "0".repeat(14), `${given ?? "_"}!`])];
      for (const after of damaged) {
        const { status, json } = await call("GET", `${path}${at}after=${encodeURIComponent(after)}`, { key: as });
        expect({ after, status, errors: json["errors"] }).toMatchObject({
          status: 422,
          errors: [{ path: "/after", code: "invalid_cursor" }],
        });
      }
    },
  );
});
