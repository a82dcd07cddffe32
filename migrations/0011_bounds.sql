-- How much of a merchant is in quarantine, and how much of it has made room: kept by the triggers, so that nobody has to
-- count rows. Gone once there is nothing. The only rows read here are those of the quarantine, which is small.
CREATE TABLE quarantine_usage (
  merchant TEXT PRIMARY KEY,
  requests INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  dropped INTEGER NOT NULL DEFAULT 0,
  dropped_at INTEGER
) WITHOUT ROWID;

INSERT INTO quarantine_usage (merchant, requests, bytes)
  SELECT merchant, count(*), sum(octet_length(body) + octet_length(request)) FROM quarantine GROUP BY merchant;

CREATE TRIGGER quarantine_grows AFTER INSERT ON quarantine BEGIN
  INSERT INTO quarantine_usage (merchant, requests, bytes)
    VALUES (NEW.merchant, 1, octet_length(NEW.body) + octet_length(NEW.request))
    ON CONFLICT (merchant) DO UPDATE SET requests = requests + 1, bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER quarantine_shrinks AFTER DELETE ON quarantine BEGIN
  UPDATE quarantine_usage SET requests = requests - 1,
    bytes = bytes - octet_length(OLD.body) - octet_length(OLD.request) WHERE merchant = OLD.merchant;
  DELETE FROM quarantine_usage WHERE merchant = OLD.merchant AND requests = 0;
END;
