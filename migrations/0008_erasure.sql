-- From when on (epoch ms) an erasure's pass looks at the log: the first one at all of it, later ones at its end.
ALTER TABLE erasures ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
