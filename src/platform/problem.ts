/** Every problem that the API answers with: code → status and title (RFC 9457). */
export const PROBLEMS = {
  invalid_json: { status: 400, title: "The body is not JSON" },
  unauthorized: { status: 401, title: "No valid key of the kind that the call takes" },
  missing_scope: { status: 403, title: "The API key lacks a scope" },
  merchant_suspended: { status: 403, title: "The merchant is suspended" },
  not_found: { status: 404, title: "Not found" },
  method_not_allowed: { status: 405, title: "The method is not allowed here" },
  idempotency_conflict: { status: 409, title: "The same id came with another input" },
  still_waiting: { status: 409, title: "The delivery still waits" },
  behind_another: { status: 409, title: "Another delivery of its lane comes first" },
  wrong_status: { status: 409, title: "Its status does not allow that" },
  no_previous_key: { status: 409, title: "There is no previous encryption key" },
  already_over: { status: 409, title: "The delivery is over" },
  job_over: { status: 409, title: "The job is over" },
  not_replayable: { status: 409, title: "The request is not to be taken in" },
  not_redrivable: { status: 409, title: "The message is not to be sent around again" },
  body_too_large: { status: 413, title: "The body is too large" },
  unsupported_media_type: { status: 415, title: "The content type is not supported" },
  invalid: { status: 422, title: "The input is not valid" },
  too_many_endpoints: { status: 422, title: "The merchant has as many endpoints as it may" },
  too_many_sources: { status: 422, title: "The merchant has as many sources as it may" },
  too_many_api_keys: { status: 422, title: "The merchant has as many API keys as it may" },
  configuration_too_large: { status: 422, title: "The merchant's configuration is as large as it may be" },
  too_many_secrets: { status: 422, title: "Too many secrets are still valid" },
  too_many_requests: { status: 429, title: "Too many requests" },
  too_many_jobs: { status: 429, title: "As many jobs run as may" },
  too_many_erasures: { status: 429, title: "As many users are being erased as may" },
  quota_exceeded: { status: 429, title: "The merchant's events of this month are used up" },
  internal: { status: 500, title: "Internal error" },
  unavailable: { status: 503, title: "Unavailable for the moment" },
  loop_detected: { status: 508, title: "The event goes around in a ring" },
  misconfigured: { status: 503, title: "Paybell is not configured" },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

/** One thing wrong with an input. `path`: JSON Pointer to it. */
export interface FieldError {
  path: string;
  code: string;
  message: string;
}

export interface ProblemDetails {
  detail?: string;
  errors?: FieldError[];
  headers?: Record<string, string>;
}

/** Thrown where a request cannot be served through the caller's fault or ours; rendered once, by the app. */
export class ProblemError extends Error {
  readonly code: ProblemCode;
  readonly details: ProblemDetails;

  constructor(code: ProblemCode, details: ProblemDetails = {}) {
    super(code);
    this.name = "ProblemError";
    this.code = code;
    this.details = details;
  }
}

/** Seconds after which a caller may come again, where the problem does not say otherwise. */
const RETRY_AFTER_SECONDS = 30;

/** The answer for a problem: `application/problem+json`, with `Retry-After` where to come again may help (429, 503). */
export function problem(code: ProblemCode, { detail, errors, headers }: ProblemDetails, requestId: string): Response {
  const { status, title } = PROBLEMS[code];
  const retryAfter = (status === 429 || status === 503) && { "retry-after": String(RETRY_AFTER_SECONDS) };
  return Response.json(
    { type: `/problems/${code.replaceAll("_", "-")}`, title, status, code, detail, requestId, errors },
    { status, headers: { "content-type": "application/problem+json", ...retryAfter, ...headers } },
  );
}
