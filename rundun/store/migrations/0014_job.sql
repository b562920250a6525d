-- What a run is about has secrets, which are erased when the run closes, and changes while it is open.

-- SQLite overwrites what is deleted (secure_delete), but not what it has copied: when it spreads the rows of a full page
-- over two, the old one keeps what lies between its rows. So secrets stand in a table of their own, behind a filling as
-- long as a page (store/run_secrets.py): what is longer than a page goes on in pages that belong to one row alone, which
-- are never spread, and overwritten as a whole. `runs.secrets` has the ids of the fields that these are values of.
CREATE TABLE run_secrets (
  number INTEGER PRIMARY KEY REFERENCES runs (number),
  content BLOB NOT NULL  -- the filling, then JSON: values by the ids of fields
) STRICT;

CREATE VIEW use_of_secrets AS
  SELECT s.number, r.org_id, length(s.content) AS bytes FROM run_secrets AS s JOIN runs AS r ON r.number = s.number;
CREATE TRIGGER freed_secrets BEFORE DELETE ON run_secrets BEGIN
  UPDATE organizations SET bytes_used = bytes_used - length(old.content)
    WHERE id = (SELECT org_id FROM runs WHERE number = old.number);
END;

DROP VIEW uses;
DROP VIEW use_of_changes;
CREATE TABLE changes_with_jobs (
  number INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  what TEXT NOT NULL CHECK (
    what IN ('extended', 'released', 'photo_deleted', 'webhook_changed', 'webhook_removed', 'job_changed')
  ),
  by TEXT NOT NULL CHECK (by IN ('executor', 'integrator', 'operator')),
  name TEXT,  -- of the operator, or of the integrator's key, as it was then
  details TEXT NOT NULL CHECK (json_valid(details)),
  at INTEGER NOT NULL
) STRICT;
INSERT INTO changes_with_jobs SELECT number, run_id, what, by, name, details, at FROM changes;
DROP TABLE changes;
ALTER TABLE changes_with_jobs RENAME TO changes;
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

ALTER TABLE runs ADD COLUMN late_after INTEGER AS (ifnull(due_at, expires_at)) VIRTUAL;  -- open from then on, it is late
DROP INDEX runs_open_of_org;
CREATE INDEX runs_open_of_org ON runs (org_id, status, late_after)
  WHERE status IN ('pending', 'in_progress');  -- GET /v1/runs?late=, the overview: how many are open, and late
CREATE INDEX runs_by_due ON runs (org_id, status, due_at) WHERE due_at IS NOT NULL;  -- GET /v1/runs?due_before=
CREATE INDEX runs_missed ON runs (org_id, created_at)
  WHERE status = 'expired' AND started_at IS NULL;  -- GET /v1/runs?missed=
CREATE INDEX runs_flagged ON runs (org_id, created_at) WHERE flagged > 0;  -- GET /v1/runs?flagged=
