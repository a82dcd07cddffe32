-- Jobs that send many deliveries again. Their Durable Object does the work; this row says what and how far.
CREATE TABLE jobs (
  merchant TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  filter TEXT NOT NULL,
  per_second INTEGER NOT NULL,
  status TEXT NOT NULL,
  error TEXT,
  looked INTEGER NOT NULL,
  queued INTEGER NOT NULL,
  skipped INTEGER NOT NULL,
  skipped_because TEXT NOT NULL,
  delivered INTEGER NOT NULL,
  position TEXT,
  started_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  finished_at INTEGER,
  PRIMARY KEY (merchant, id)
) WITHOUT ROWID;
CREATE INDEX jobs_running ON jobs (merchant, id) WHERE status = 'running';

-- Messages that a queue has given up. Those of `backup` are here whole: each may be the only copy of something.
CREATE TABLE dead_letters (
  id TEXT PRIMARY KEY,
  queue TEXT NOT NULL,
  kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  body TEXT NOT NULL,
  error TEXT,
  redriven_at INTEGER
) WITHOUT ROWID;
CREATE INDEX dead_letters_waiting ON dead_letters (at) WHERE queue = 'backup' AND redriven_at IS NULL;
