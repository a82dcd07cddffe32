/**
 * How much one merchant may have. What is over is refused with a problem of its own, or makes room where it only piles
 * up; `docs/limits.md` says it to merchants, and a test holds the two together. Sizes are bytes as stored.
 */
export const CAPS = {
  /** API keys that are not revoked. */
  apiKeys: 100,
  /** Revoked keys that are still listed: the oldest go. */
  revokedKeys: 1_000,
  sources: 200,
  /** Each event is planned for all of them, and is one transaction. */
  endpoints: 100,
  /** Jobs that run at a time. */
  jobs: 5,
  /** Jobs that are over and still listed: the oldest go. */
  jobsKept: 10_000,
  /** Erasures of users that are not finished, which takes each 15 days. */
  erasures: 1_000,
  /** Headers of an endpoint, secret ones too, and their names and values together. */
  headers: 20,
  headerBytes: 8_192,
  /** Endpoints, sources and channels of a merchant together: URLs, filters, headers, event types, config, secrets. */
  configurationBytes: 1_048_576,
  /** Signed requests that became no event: the oldest make room. */
  quarantineRequests: 10_000,
  quarantineBytes: 33_554_432,
  /** Lines of the audit: the oldest make room. */
  auditLines: 100_000,
} as const;

/** Dead letters of the whole installation that nobody needs any more: the oldest make room. */
export const MAX_SPENT_DEAD_LETTERS = 10_000;
