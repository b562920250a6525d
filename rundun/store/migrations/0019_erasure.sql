-- Runs can be erased. What stays is the row itself with its ids and times, so that who asks for the run is told, its
-- events stay in the feed's order, and `run.erased` can be delivered; everything that was said or shown goes.

ALTER TABLE runs ADD COLUMN erased_at INTEGER;
ALTER TABLE runs ADD COLUMN erased_by TEXT;  -- whose doing it was: the id of a key or operator, or a word for the rest

ALTER TABLE keys ADD COLUMN may_erase INTEGER NOT NULL DEFAULT 0;  -- a key that leaks must not destroy evidence
