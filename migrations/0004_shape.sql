-- What an endpoint gets, and in what shape. Secret headers are a JSON object of sealed values.
ALTER TABLE endpoints ADD COLUMN filter TEXT;
ALTER TABLE endpoints ADD COLUMN payload TEXT NOT NULL DEFAULT 'full';
ALTER TABLE endpoints ADD COLUMN secret_headers TEXT;
ALTER TABLE deliveries ADD COLUMN payload TEXT;

-- When an event was written, where that was too late for its place by time of receipt: its place in the feed. On-time
-- events are not in the index, and cost no row there.
ALTER TABLE events ADD COLUMN late_at INTEGER;
CREATE INDEX events_late ON events (merchant, late_at) WHERE late_at IS NOT NULL;
