-- Pictures that steps of templates show. What was sent is not kept: `id` is its digest, `file` the JPEG that is shown.
-- Of two organizations that sent the same bytes each has its own row and files.

CREATE TABLE pictures (
  number INTEGER PRIMARY KEY,
  org_id TEXT NOT NULL REFERENCES organizations (id),
  id TEXT NOT NULL,
  file INTEGER NOT NULL REFERENCES files (number),
  thumbnail INTEGER NOT NULL REFERENCES files (number),
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  expires_at INTEGER,  -- NULL once a template version names it: versions are for good
  UNIQUE (org_id, id)
) STRICT;
CREATE INDEX pictures_expiring ON pictures (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX pictures_by_file ON pictures (file);  -- foreign key checks when a file is erased
CREATE INDEX pictures_by_thumbnail ON pictures (thumbnail);

-- What they take of the quota, as 0010_quotas.sql has it of all else.
CREATE VIEW use_of_pictures AS
  SELECT p.number, p.org_id, 500 + (
    SELECT sum(f.bytes) FROM files AS f WHERE f.number IN (p.file, p.thumbnail)
  ) AS bytes
  FROM pictures AS p;
DROP VIEW uses;
CREATE VIEW uses AS  -- what `bytes_used` of an organization is the sum of
  SELECT org_id, bytes FROM use_of_versions UNION ALL SELECT org_id, bytes FROM use_of_runs
  UNION ALL SELECT org_id, bytes FROM use_of_answers UNION ALL SELECT org_id, bytes FROM use_of_photos
  UNION ALL SELECT org_id, bytes FROM use_of_signatures UNION ALL SELECT org_id, bytes FROM use_of_changes
  UNION ALL SELECT org_id, bytes FROM use_of_events UNION ALL SELECT org_id, bytes FROM use_of_deliveries
  UNION ALL SELECT org_id, bytes FROM use_of_attempts UNION ALL SELECT org_id, bytes FROM use_of_responses
  UNION ALL SELECT org_id, bytes FROM use_of_logos UNION ALL SELECT org_id, bytes FROM use_of_remarks
  UNION ALL SELECT org_id, bytes FROM use_of_pictures;
CREATE TRIGGER freed_picture BEFORE DELETE ON pictures BEGIN
  UPDATE organizations SET bytes_used = bytes_used - was.bytes
    FROM (SELECT org_id, bytes FROM use_of_pictures WHERE number = old.number) AS was WHERE id = was.org_id;
END;
