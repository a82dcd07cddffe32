import type { Context } from "hono";

import { findInexact } from "../event/exact-json.ts";
import { readBody } from "../platform/body.ts";
import { ProblemError } from "../platform/problem.ts";
import type { ApiEnv } from "./api-env.ts";
import { pointer } from "./field-errors.ts";

/** The API takes bodies of up to this many bytes. */
const MAX_BODY_BYTES = 256 * 1024;
const WITH_BODY = new Set(["POST", "PUT", "PATCH"]);

/**
 * Reads the body of a call whose caller is known, and gives it back to the request for those who parse it. Throws a
 * problem if it is too long, does not say that it is JSON, or has a number that would lose digits. `onLength` is told
 * how many bytes it has before anything of it is looked at.
 */
export async function takeBody(c: Context<ApiEnv>, onLength: (bytes: number) => void = () => undefined): Promise<void> {
  const request = c.req.raw;
  if (!WITH_BODY.has(request.method)) {
    return;
  }
  const body = await readBody(request, MAX_BODY_BYTES);
  if (body === null) {
    throw new ProblemError("body_too_large", { detail: `A body may have ${MAX_BODY_BYTES} bytes.` });
  }
  onLength(body.byteLength);
  const isJson = /^application\/json\s*(;|$)/i.test(request.headers.get("content-type") ?? "");
  if (body.byteLength > 0 && !isJson) {
    throw new ProblemError("unsupported_media_type", { detail: "Send application/json." });
  }
  const inexact = findInexact(new TextDecoder().decode(body));
  if (inexact !== null) {
    const message = "This number would lose digits: send it as a string";
    throw new ProblemError("invalid", { errors: [{ path: pointer(inexact), code: "inexact_number", message }] });
  }
  // One writing of it from here on: `application/json\t;x` is JSON to us and none to validators. Of no body it says nothing.
  const headers = new Headers(request.headers);
  if (isJson) {
    headers.set("content-type", "application/json");
  } else {
    headers.delete("content-type");
  }
  const init = { method: request.method, headers, body: body.byteLength > 0 ? body : null };
  c.req.raw = new Request(request.url, init);
}
