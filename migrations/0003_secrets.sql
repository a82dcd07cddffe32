-- Rotation. Secrets that an endpoint's newest has replaced and that still sign: JSON [{sealed, expiresAt}].
ALTER TABLE endpoints ADD COLUMN previous_secrets TEXT NOT NULL DEFAULT '[]';
-- Which signatures an endpoint's webhooks carry.
ALTER TABLE endpoints ADD COLUMN signatures TEXT NOT NULL DEFAULT 'hmac';
-- The merchant's Ed25519 keys, the newest first: JSON [{publicKey, sealed, createdAt, expiresAt}].
ALTER TABLE merchants ADD COLUMN signing_keys TEXT NOT NULL DEFAULT '[]';
-- The address itself, sealed, so that its hash can be made under another key.
ALTER TABLE suppressions ADD COLUMN address TEXT;
