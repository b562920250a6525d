-- Somebody has seen to what a run or a delivery called for, and is done with it: it stands in no list of what is left to
-- do any more. What is there already counts as that: nobody finds a year of it as today's work.

ALTER TABLE runs ADD COLUMN handled_at INTEGER;
UPDATE runs SET handled_at = closed_at
  WHERE status = 'expired' AND started_at IS NULL AND erased_at IS NULL;
UPDATE runs SET handled_at = coalesce(closed_at, started_at, created_at) WHERE flagged > 0;
CREATE INDEX runs_missed_to_handle ON runs (org_id, closed_at)
  WHERE status = 'expired' AND started_at IS NULL AND erased_at IS NULL AND handled_at IS NULL;  -- the console's Missed
CREATE INDEX runs_flagged_to_handle ON runs (org_id, created_at)
  WHERE flagged > 0 AND erased_at IS NULL AND handled_at IS NULL;  -- the console's Flagged

ALTER TABLE deliveries ADD COLUMN handled_at INTEGER;
UPDATE deliveries SET handled_at = coalesce(settled_at, created_at) WHERE status = 'failed';
CREATE INDEX deliveries_to_handle ON deliveries (org_id, created_at)
  WHERE status = 'failed' AND handled_at IS NULL;  -- the console's Failed deliveries

-- Open runs in the order they are due: those without a time by their end, and those that never end last of all. It
-- stands in the place of `late_after`, which has nothing to compare for these.
DROP INDEX runs_open_of_org;
ALTER TABLE runs DROP COLUMN late_after;
ALTER TABLE runs ADD COLUMN late_after INTEGER
  AS (coalesce(due_at, expires_at, 9000000000000000)) VIRTUAL;  -- open from then on, it is late
CREATE INDEX runs_open_of_org ON runs (org_id, status, late_after)
  WHERE status IN ('pending', 'in_progress');  -- GET /v1/runs?late=, the overview, the console's Open

-- A run's page in the console tells who was done with it.
DROP VIEW uses;
DROP VIEW use_of_changes;
CREATE TABLE changes_with_handled (
  number INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  what TEXT NOT NULL CHECK (
    what IN ('extended', 'released', 'photo_deleted', 'webhook_changed', 'webhook_removed', 'job_changed',
      'photos_removed', 'handled', 'deliveries_handled')
  ),
  by TEXT NOT NULL CHECK (by IN ('executor', 'integrator', 'operator', 'retention')),
  name TEXT,  -- of the operator, or of the integrator's key, as it was then
  details TEXT NOT NULL CHECK (json_valid(details)),
  at INTEGER NOT NULL
) STRICT;
INSERT INTO changes_with_handled SELECT number, run_id, what, by, name, details, at FROM changes;
DROP TABLE changes;
ALTER TABLE changes_with_handled RENAME TO changes;
CREATE INDEX changes_of_run ON changes (run_id, number);  -- a run's page in the console
CREATE VIEW use_of_changes AS
  SELECT c.number, r.org_id, 200 + length(CAST(c.details || ifnull(c.name, '') AS BLOB)) AS bytes
  FROM changes AS c JOIN runs AS r ON r.id = c.run_id;
CREATE TRIGGER freed_change BEFORE DELETE ON changes BEGIN
  UPDATE organizations SET bytes_used = bytes_used - was.bytes
    FROM (SELECT org_id, bytes FROM use_of_changes WHERE number = old.number) AS was WHERE id = was.org_id;
END;
CREATE VIEW uses AS  -- what `bytes_used` of an organization is the sum of
  SELECT org_id, bytes FROM use_of_versions UNION ALL SELECT org_id, bytes FROM use_of_runs
  UNION ALL SELECT org_id, bytes FROM use_of_secrets
  UNION ALL SELECT org_id, bytes FROM use_of_answers UNION ALL SELECT org_id, bytes FROM use_of_photos
  UNION ALL SELECT org_id, bytes FROM use_of_signatures UNION ALL SELECT org_id, bytes FROM use_of_changes
  UNION ALL SELECT org_id, bytes FROM use_of_events UNION ALL SELECT org_id, bytes FROM use_of_deliveries
  UNION ALL SELECT org_id, bytes FROM use_of_attempts UNION ALL SELECT org_id, bytes FROM use_of_responses
  UNION ALL SELECT org_id, bytes FROM use_of_logos UNION ALL SELECT org_id, bytes FROM use_of_remarks
  UNION ALL SELECT org_id, bytes FROM use_of_pictures;
