import { checkUrl } from "../channels/url-guard.ts";
import { invalid } from "./field-errors.ts";

/** Refuses a URL that may not be called. `path`: JSON Pointer to it in the input. Throws the problem `invalid`. */
export function requirePublic(env: Env, path: string, url: string): void {
  const checked = checkUrl(url, { allowPrivate: env.ALLOW_PRIVATE_ENDPOINTS === "true" });
  if (!checked.ok) {
    throw invalid(path, checked.code, checked.message);
  }
}
