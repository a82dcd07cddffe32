-- Whether a host wants a merchant's webhooks: asked once a merchant and host. `token`: what the host shows to say so.
-- `verified_at`: null while it has not; `how`: by which way it did. Endpoints that are there already stay as they are.
CREATE TABLE endpoint_hosts (
  merchant TEXT NOT NULL,
  host TEXT NOT NULL,
  token TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  checked_at INTEGER,
  failure TEXT,
  verified_at INTEGER,
  how TEXT,
  PRIMARY KEY (merchant, host)
) WITHOUT ROWID;

-- The host that has to be verified before the endpoint is sent anything; null: none.
ALTER TABLE endpoints ADD COLUMN awaits_host TEXT;
