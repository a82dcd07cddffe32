import { checkUrl } from "../channels/url-guard.ts";
import { urlRules } from "../platform/own-hosts.ts";
import { invalid } from "./field-errors.ts";

/** Refuses a URL that may not be called: no public one, or our own. `path`: JSON Pointer to it in the input. Throws the problem `invalid`. */
export function requirePublic(env: Env, path: string, url: string): void {
  const checked = checkUrl(url, urlRules(env));
  if (!checked.ok) {
    throw invalid(path, checked.code, checked.message);
  }
}
