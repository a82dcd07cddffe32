import { describe, expect, it } from "vitest";

import written from "../../docs/openapi.json";
import { createApp } from "../../src/api/app.ts";
import { openApiDocument } from "../../src/api/openapi.ts";
import { PROBLEMS } from "../../src/platform/problem.ts";
import { send } from "./support.ts";

const app = createApp();
const document = openApiDocument(app);

/** Routes that the document leaves out: itself. `/ingest/{sourceId}` is mounted by the Worker. */
const UNDOCUMENTED = ["GET /openapi.json"];

describe("the OpenAPI document", () => {
  it("describes the routes that there are, and no others", () => {
    const registered = app.routes
      .filter(({ method, path }) => method !== "ALL" && !path.includes("*"))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    const described = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
      Object.keys(item as object).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect([...described, ...UNDOCUMENTED].toSorted()).toEqual([...new Set(registered)].toSorted());
  });

  it("is what docs/openapi.json says (npm run gen writes it)", () => {
    expect(written).toEqual(JSON.parse(JSON.stringify(document)));
  });

  it("is served as OpenAPI 3.1, without a key", async () => {
    const { status, json } = await send("GET", "/openapi.json");
    expect(status).toBe(200);
    expect(json).toEqual(JSON.parse(JSON.stringify(document)));
    expect(json["openapi"]).toBe("3.1.0");
  });

  it("documents every status that a guarded operation always can answer with", () => {
    for (const item of Object.values(document.paths ?? {})) {
      for (const operation of Object.values(item as Record<string, Operation>)) {
        const statuses = Object.keys(operation.responses);
        if (operation.security.length > 0) {
          expect([operation.operationId, ...statuses]).toContain("401");
        }
        if (operation.security.some((one) => "apiKey" in one)) {
          expect([operation.operationId, ...statuses]).toContain("403");
        }
        if (operation.requestBody) {
          expect([operation.operationId, ...statuses]).toEqual(expect.arrayContaining(["400", "413", "415", "422"]));
        }
      }
    }
  });

  it("has an answer of a status for every problem that the API can answer with", () => {
    const statuses = new Set(
      Object.values(document.paths ?? {}).flatMap((item) =>
        Object.values(item as Record<string, Operation>).flatMap(({ responses }) => Object.keys(responses)),
      ),
    );
    // A path without such a route, a fault of ours, a Worker without its secrets: of no operation in particular.
    const general = new Set(["method_not_allowed", "internal", "misconfigured"]);
    const missing = Object.entries(PROBLEMS).filter(
      ([code, { status }]) => !general.has(code) && !statuses.has(String(status)),
    );
    expect(missing).toEqual([]);
  });
});

interface Operation {
  operationId: string;
  security: object[];
  requestBody?: object;
  responses: Record<string, object>;
}
