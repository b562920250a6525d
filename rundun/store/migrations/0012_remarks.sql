-- Executors can note something on a step beside its answer, with photos of its own.

ALTER TABLE runs ADD COLUMN has_remarks INTEGER NOT NULL DEFAULT 0;  -- else nobody needs to look for any
ALTER TABLE photos ADD COLUMN is_remark INTEGER NOT NULL DEFAULT 0;  -- of the step's remark, not of its answer

CREATE TABLE remarks (  -- every remark ever applied; the one in force is current
  number INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  step_id TEXT NOT NULL,
  remark_id TEXT NOT NULL,
  is_current INTEGER NOT NULL,
  text TEXT NOT NULL,
  photos TEXT NOT NULL CHECK (json_valid(photos)),
  at INTEGER NOT NULL,
  by TEXT
) STRICT;
CREATE UNIQUE INDEX remarks_in_force ON remarks (run_id, step_id) WHERE is_current;  -- every look at a run
CREATE UNIQUE INDEX remarks_applied ON remarks (run_id, step_id, remark_id);  -- a repeated PUT, how many there were

-- Counted as 0010_quotas.sql has it.
CREATE VIEW use_of_remarks AS
  SELECT m.number, r.org_id, 400 + length(CAST(m.text AS BLOB)) + length(m.photos) AS bytes
  FROM remarks AS m JOIN runs AS r ON r.id = m.run_id;
DROP VIEW uses;
CREATE VIEW uses AS  -- what `bytes_used` of an organization is the sum of
  SELECT org_id, bytes FROM use_of_versions UNION ALL SELECT org_id, bytes FROM use_of_runs
  UNION ALL SELECT org_id, bytes FROM use_of_answers UNION ALL SELECT org_id, bytes FROM use_of_photos
  UNION ALL SELECT org_id, bytes FROM use_of_signatures UNION ALL SELECT org_id, bytes FROM use_of_changes
  UNION ALL SELECT org_id, bytes FROM use_of_events UNION ALL SELECT org_id, bytes FROM use_of_deliveries
  UNION ALL SELECT org_id, bytes FROM use_of_attempts UNION ALL SELECT org_id, bytes FROM use_of_responses
  UNION ALL SELECT org_id, bytes FROM use_of_logos UNION ALL SELECT org_id, bytes FROM use_of_remarks;

CREATE TRIGGER freed_remark BEFORE DELETE ON remarks BEGIN
  UPDATE organizations SET bytes_used = bytes_used - was.bytes
    FROM (SELECT org_id, bytes FROM use_of_remarks WHERE number = old.number) AS was WHERE id = was.org_id;
END;
CREATE TRIGGER replaced_remark_photos AFTER UPDATE OF photos ON remarks WHEN new.photos IS NOT old.photos BEGIN
  UPDATE organizations SET bytes_used = bytes_used + length(new.photos) - length(old.photos)
    WHERE id = (SELECT org_id FROM runs WHERE id = new.run_id);
END;
