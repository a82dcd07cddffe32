import { VERSION } from "../channels/webhook.ts";
import type { Api } from "./api-env.ts";

/** The OpenAPI 3.1 document of an app's routes, made from the schemas that validate. */
export function openApiDocument(app: Api) {
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Paybell",
      version: VERSION,
      description:
        "Signed payment events in, ordered and signed webhooks out. Whoever calls too often gets 429 `too_many_requests` with `Retry-After`, from any call.",
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    servers: [{ url: "http://127.0.0.1:8787", description: "npm run dev" }],
  });
}

/** Serves the document at `/openapi.json`. */
export function serveOpenApi(app: Api): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", {
    type: "http",
    scheme: "bearer",
    description: "An API key of a merchant. Scopes: events:write log:read config:write people:write keys:write.",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "adminToken", {
    type: "http",
    scheme: "bearer",
    description: "The operator's ADMIN_TOKEN.",
  });
  app.get("/openapi.json", (c) => c.json(openApiDocument(app)));
}
