/** Worker secrets that may be missing: wrangler.toml can only declare those that may not. */
interface __BaseEnv_Env {
  /** Another key-encryption key, which opens and never seals: the one before while it is replaced (docs/runbook.md). */
  ENCRYPTION_KEY_PREVIOUS?: string;
}
