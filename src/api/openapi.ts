import { VERSION } from "../channels/webhook.ts";
import type { Api } from "./api-env.ts";
import { PROBLEM_DESCRIPTIONS } from "./schemas.ts";

/** The OpenAPI 3.1 document of an app's routes, made from the schemas that validate. */
export function openApiDocument(app: Api) {
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Paybell",
      version: VERSION,
      description:
        "Signed payment events in, ordered and signed webhooks out. Errors are `application/problem+json` (RFC 9457) with a `code` to act on and, for an input that is not valid, every fault with the JSON Pointer of its field.",
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    servers: [{ url: "http://127.0.0.1:8787", description: "npm run dev" }],
  });
  for (const item of Object.values(document.paths ?? {})) {
    for (const { parameters = [], responses } of Object.values(item as Record<string, Operation>)) {
      const more = parameters.length > 0 ? [...ANY_CALL, "422"] : ANY_CALL;
      for (const status of [...Object.keys(responses), ...more].filter((one) => Object.hasOwn(PROBLEM_ANSWERS, one))) {
        responses[status] = { $ref: `#/components/responses/${nameOf(status)}` };
      }
    }
  }
  const answers = Object.entries(PROBLEM_ANSWERS).map(([status, answer]) => [nameOf(status), answer]);
  return withoutFlags({
    ...document,
    components: { ...document.components, responses: Object.fromEntries(answers) },
  }) as typeof document;
}

/** What is looked at here of an operation. */
interface Operation {
  parameters?: unknown[];
  responses: Record<string, unknown>;
}

/** Problems that any call may be answered with. */
const ANY_CALL = ["429", "500", "503"];

/** Headers that go with problems of a status. */
const HEADERS = new Map<string, object>(
  Object.entries({
    401: { "WWW-Authenticate": { required: true, schema: { type: "string" }, description: "`Bearer`." } },
    429: { "Retry-After": retryAfter() },
    503: { "Retry-After": retryAfter() },
  }),
);

/** The answers for problems, by status: they look the same in every call. */
const PROBLEM_ANSWERS: Record<string, object> = Object.fromEntries(
  Object.entries(PROBLEM_DESCRIPTIONS).map(([status, description]) => [
    status,
    {
      description,
      headers: HEADERS.get(status) ?? {},
      content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    },
  ]),
);

function nameOf(status: string): string {
  return `Problem${status}`;
}

function retryAfter() {
  return {
    required: true,
    schema: { type: "integer", minimum: 1 },
    description: "In how many seconds to call again.",
  };
}

/** What a regular expression looks like in the document where its flag `u` was written into its pattern. */
const UNICODE_PATTERN = /^(.*)\/u$/s;

/**
 * A document in which patterns are what JSON Schema takes: the text between the slashes. The library that makes them
 * of regular expressions leaves `/u` at the end of those with that flag, which JSON Schema has anyway.
 */
function withoutFlags(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutFlags);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      key === "pattern" && typeof one === "string" ? one.replace(UNICODE_PATTERN, "$1") : withoutFlags(one),
    ]),
  );
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
