-- How far an event of a source has to be believed for people to hear of it.
ALTER TABLE sources ADD COLUMN min_authenticity TEXT NOT NULL DEFAULT 'fetched';

-- Signed requests that became no event. `body`: base64 of the bytes; `request`: URL and headers, sealed; `event`: the
-- one that is known by the same id, with other content. The same bytes of a source are kept once.
CREATE TABLE quarantine (
  merchant TEXT NOT NULL,
  id TEXT NOT NULL,
  source TEXT NOT NULL,
  reason TEXT NOT NULL,
  event TEXT,
  received_at INTEGER NOT NULL,
  hash TEXT NOT NULL,
  request TEXT NOT NULL,
  replayed_at INTEGER,
  body TEXT NOT NULL,
  PRIMARY KEY (merchant, id)
);

CREATE UNIQUE INDEX quarantine_bytes ON quarantine (merchant, source, hash);
