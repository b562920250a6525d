-- How long an organization keeps what it has of closed runs, in days; NULL: for ever. A template's come first, where it
-- has some; there, NULL: as the organization has it, 0: for ever.

ALTER TABLE organizations ADD COLUMN keep_photos_days INTEGER CHECK (keep_photos_days > 0);
ALTER TABLE organizations ADD COLUMN keep_runs_days INTEGER CHECK (keep_runs_days > 0);
ALTER TABLE organizations ADD COLUMN keep_attempts_days INTEGER DEFAULT 90 CHECK (keep_attempts_days > 0);
ALTER TABLE organizations ADD COLUMN tells_retention INTEGER NOT NULL DEFAULT 1;  -- on the executor's start page

ALTER TABLE templates ADD COLUMN keep_photos_days INTEGER CHECK (keep_photos_days >= 0);
ALTER TABLE templates ADD COLUMN keep_runs_days INTEGER CHECK (keep_runs_days >= 0);

-- The row of a photo whose pictures were deleted stays, so that its receipt holds, and what was done with it is done;
-- so does the row of its original, with this and without its bytes. For the others the original stands in.
ALTER TABLE files ADD COLUMN removed_at INTEGER;
ALTER TABLE runs ADD COLUMN has_photos INTEGER NOT NULL DEFAULT 0;  -- that retention would have to delete
ALTER TABLE runs ADD COLUMN kept_from INTEGER;  -- when its end was noticed: days count from then; NULL while it is open
UPDATE runs SET kept_from = closed_at WHERE closed_at IS NOT NULL;
UPDATE runs SET has_photos = 1 WHERE id IN (SELECT run_id FROM photos);
CREATE TRIGGER noted_photo AFTER INSERT ON photos BEGIN
  UPDATE runs SET has_photos = 1 WHERE id = new.run_id AND NOT has_photos;
END;
ALTER TABLE deliveries ADD COLUMN attempts_removed INTEGER NOT NULL DEFAULT 0;  -- there is a log of them no more

-- All three serve the sweep, the console's “how many would go”, and what /metrics says is still to be done.
CREATE INDEX runs_to_erase ON runs (template_id, kept_from) WHERE kept_from IS NOT NULL AND erased_at IS NULL;
CREATE INDEX runs_with_photos ON runs (template_id, kept_from)
  WHERE has_photos AND kept_from IS NOT NULL AND erased_at IS NULL;
CREATE INDEX deliveries_with_attempts ON deliveries (org_id, settled_at)
  WHERE settled_at IS NOT NULL AND NOT attempts_removed;

-- Files without bytes take no room; whoever deletes the bytes says so to `Tx.grow`.
DROP VIEW uses;
DROP VIEW use_of_photos;
CREATE VIEW use_of_photos AS
  SELECT p.number, r.org_id, 1500 + ifnull(length(p.geo), 0) + (
    SELECT ifnull(sum(f.bytes), 0) FROM files AS f
    WHERE f.number IN (p.original, p.derived, p.thumbnail) AND f.removed_at IS NULL
  ) AS bytes
  FROM photos AS p JOIN runs AS r ON r.id = p.run_id;

-- A run's page in the console tells that photos were deleted.
DROP VIEW use_of_changes;
CREATE TABLE changes_with_retention (
  number INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  what TEXT NOT NULL CHECK (
    what IN ('extended', 'released', 'photo_deleted', 'webhook_changed', 'webhook_removed', 'job_changed',
      'photos_removed')
  ),
  by TEXT NOT NULL CHECK (by IN ('executor', 'integrator', 'operator', 'retention')),
  name TEXT,  -- of the operator, or of the integrator's key, as it was then
  details TEXT NOT NULL CHECK (json_valid(details)),
  at INTEGER NOT NULL
) STRICT;
INSERT INTO changes_with_retention SELECT number, run_id, what, by, name, details, at FROM changes;
DROP TABLE changes;
ALTER TABLE changes_with_retention RENAME TO changes;
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
