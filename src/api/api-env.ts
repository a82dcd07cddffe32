import type { OpenAPIHono } from "@hono/zod-openapi";

import type { Scope } from "../store/schema.ts";

/** What the API's handlers find: the Worker's bindings, and who calls. `keyId`: `admin` for the operator. */
export interface ApiEnv {
  Bindings: Env;
  Variables: { requestId: string; merchant: string; keyId: string; scopes: Scope[] };
}

/** The API's app, on which each resource registers its routes. */
export type Api = OpenAPIHono<ApiEnv>;
