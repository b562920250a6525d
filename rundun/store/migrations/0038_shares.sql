-- Links that show the report of a run to somebody without a key. Only the digest of a link's token is stored.
CREATE TABLE shares (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  run_id TEXT NOT NULL REFERENCES runs (id),
  digest BLOB NOT NULL UNIQUE,  -- SHA-256 of the token
  options TEXT NOT NULL CHECK (json_valid(options)),  -- what the report shows
  language TEXT,  -- NULL: the reader's
  created_at INTEGER NOT NULL,
  expires_at INTEGER,  -- NULL: never
  revoked_at INTEGER,
  opened INTEGER NOT NULL DEFAULT 0,
  opened_at INTEGER  -- the last time
) STRICT;
CREATE INDEX shares_of_run ON shares (run_id, number);

-- A run's page in the console tells who shared its report.
CREATE TABLE changes_with_shares (
  number INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  what TEXT NOT NULL CHECK (
    what IN ('extended', 'released', 'photo_deleted', 'webhook_changed', 'webhook_removed', 'job_changed',
      'photos_removed', 'handled', 'deliveries_handled', 'shared', 'share_revoked')
  ),
  by TEXT NOT NULL CHECK (by IN ('executor', 'integrator', 'operator', 'retention')),
  name TEXT,  -- of the operator, or of the integrator's key, as it was then
  details TEXT NOT NULL CHECK (json_valid(details)),
  at INTEGER NOT NULL
) STRICT;
INSERT INTO changes_with_shares SELECT number, run_id, what, by, name, details, at FROM changes;
DROP TABLE changes;
PRAGMA legacy_alter_table = ON;  -- views go on naming the table
ALTER TABLE changes_with_shares RENAME TO changes;
PRAGMA legacy_alter_table = OFF;
CREATE INDEX changes_of_run ON changes (run_id, number);  -- a run's page in the console
CREATE TRIGGER freed_change BEFORE DELETE ON changes BEGIN
  UPDATE organizations SET bytes_used = bytes_used - was.bytes
    FROM (SELECT org_id, bytes FROM use_of_changes WHERE number = old.number) AS was WHERE id = was.org_id;
END;
