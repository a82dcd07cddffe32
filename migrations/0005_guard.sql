-- Who changed what of a merchant's configuration, sorted by time. `fields`: JSON list of names, never what they hold.
CREATE TABLE audit (
  merchant TEXT NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT,
  fields TEXT NOT NULL,
  PRIMARY KEY (merchant, id)
) WITHOUT ROWID;

-- How many events a merchant has in a month (epoch ms of its start), counted in the log up to, not including, an id.
CREATE TABLE usage (
  merchant TEXT NOT NULL,
  month INTEGER NOT NULL,
  events INTEGER NOT NULL,
  counted_to TEXT NOT NULL,
  PRIMARY KEY (merchant, month)
) WITHOUT ROWID;

-- How far a merchant's log has been tidied up: the id up to which bodies are gone, and when that was last looked at.
CREATE TABLE sweeps (
  merchant TEXT PRIMARY KEY,
  bodies_to TEXT NOT NULL,
  at INTEGER NOT NULL
) WITHOUT ROWID;

-- What has to go from the log: all of a user, or of a whole merchant (no user). `place`: the id up to which it went.
CREATE TABLE erasures (
  id TEXT PRIMARY KEY,
  merchant TEXT NOT NULL,
  user TEXT,
  place TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Messages that nobody can read, such as those of a later release, as JSON text.
CREATE TABLE parked (
  id TEXT PRIMARY KEY,
  queue TEXT NOT NULL,
  body TEXT NOT NULL,
  at INTEGER NOT NULL
) WITHOUT ROWID;
