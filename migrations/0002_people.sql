-- People: whom a merchant's users are and how to reach them. Contact data is encrypted; a keyed hash finds it again.
CREATE TABLE users (
  merchant TEXT NOT NULL,
  id TEXT NOT NULL,
  email TEXT,
  email_hash TEXT,
  phone TEXT,
  phone_hash TEXT,
  phone_verified INTEGER NOT NULL,
  locale TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (merchant, id)
) WITHOUT ROWID;
CREATE INDEX users_by_email ON users (merchant, email_hash) WHERE email_hash IS NOT NULL;
CREATE INDEX users_by_phone ON users (merchant, phone_hash) WHERE phone_hash IS NOT NULL;

-- Addresses that are not to be used again: nothing arrives there, or the person has said no.
CREATE TABLE suppressions (
  merchant TEXT NOT NULL,
  channel TEXT NOT NULL,
  address_hash TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (merchant, channel, address_hash)
) WITHOUT ROWID;

-- A merchant's account at the provider of a channel.
CREATE TABLE channel_accounts (
  merchant TEXT NOT NULL,
  channel TEXT NOT NULL,
  provider TEXT NOT NULL,
  settings TEXT NOT NULL,
  secrets TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (merchant, channel)
) WITHOUT ROWID;

-- What is due, for the sweep that looks for what is overdue. What is finished or waits for its lane is not in it.
CREATE INDEX deliveries_due ON deliveries (due_at, outbox) WHERE due_at IS NOT NULL;
