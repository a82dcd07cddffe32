-- By what a source's provider is asked about what it posts: sealed JSON, null where there is none.
ALTER TABLE sources ADD COLUMN credential TEXT;
