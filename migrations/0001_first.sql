-- Configuration. Times are epoch milliseconds, lists and objects JSON text.
CREATE TABLE merchants (
  id TEXT PRIMARY KEY,
  name TEXT,
  status TEXT NOT NULL,
  region TEXT,
  jurisdiction TEXT,
  alert_email TEXT,
  monthly_event_limit INTEGER,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE api_keys (
  hash TEXT PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  merchant TEXT NOT NULL,
  name TEXT,
  prefix TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
) WITHOUT ROWID;
CREATE INDEX api_keys_by_merchant ON api_keys (merchant, id);

CREATE TABLE sources (
  id TEXT PRIMARY KEY,
  merchant TEXT NOT NULL,
  provider TEXT NOT NULL,
  secrets TEXT NOT NULL,
  config TEXT,
  user_from TEXT,
  user_prefix TEXT,
  description TEXT,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sources_by_merchant ON sources (merchant, id);

CREATE TABLE endpoints (
  merchant TEXT NOT NULL,
  id TEXT NOT NULL,
  url TEXT NOT NULL,
  status TEXT NOT NULL,
  secret TEXT NOT NULL,
  event_types TEXT,
  headers TEXT,
  ordering TEXT NOT NULL,
  max_hold_seconds INTEGER NOT NULL,
  retry_schedule TEXT,
  timeout_seconds INTEGER NOT NULL,
  include_stale INTEGER NOT NULL,
  livemode INTEGER,
  compat TEXT,
  description TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (merchant, id)
) WITHOUT ROWID;

-- The log. Primary keys begin with the merchant and sort by time, so that a row written is one row billed.
CREATE TABLE events (
  merchant TEXT NOT NULL,
  id TEXT NOT NULL,
  source TEXT NOT NULL,
  provider TEXT,
  outbox TEXT NOT NULL,
  user TEXT,
  type TEXT NOT NULL,
  payment TEXT,
  livemode INTEGER NOT NULL,
  stale INTEGER NOT NULL,
  sequence INTEGER,
  accepted_at INTEGER NOT NULL,
  occurred_at INTEGER NOT NULL,
  template TEXT,
  altered_at INTEGER,
  PRIMARY KEY (merchant, id)
) WITHOUT ROWID;

CREATE TABLE deliveries (
  merchant TEXT NOT NULL,
  id TEXT NOT NULL,
  event TEXT NOT NULL,
  destination TEXT NOT NULL,
  user TEXT,
  outbox TEXT NOT NULL,
  provider TEXT,
  status TEXT NOT NULL,
  reason TEXT,
  waiting_for TEXT,
  counter INTEGER NOT NULL,
  attempts TEXT NOT NULL,
  accepted_at INTEGER NOT NULL,
  first_attempt_at INTEGER,
  delivered_at INTEGER,
  due_at INTEGER,
  previous INTEGER,
  PRIMARY KEY (merchant, id)
) WITHOUT ROWID;
-- What is not delivered: the few rows that people look for and that the sweep wakes. Used by name.
CREATE INDEX deliveries_not_delivered ON deliveries (merchant, id, status, due_at)
  WHERE status <> 'delivered';
