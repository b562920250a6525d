-- Sessions end when they have not been used for a while.

ALTER TABLE sessions ADD COLUMN used_at INTEGER NOT NULL DEFAULT 0;  -- at most an hour behind
UPDATE sessions SET used_at = unixepoch() * 1000;
