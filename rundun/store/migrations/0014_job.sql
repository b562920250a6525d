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
DROP VIEW uses;
CREATE VIEW uses AS  -- what `bytes_used` of an organization is the sum of
  SELECT org_id, bytes FROM use_of_versions UNION ALL SELECT org_id, bytes FROM use_of_runs
  UNION ALL SELECT org_id, bytes FROM use_of_secrets
  UNION ALL SELECT org_id, bytes FROM use_of_answers UNION ALL SELECT org_id, bytes FROM use_of_photos
  UNION ALL SELECT org_id, bytes FROM use_of_signatures UNION ALL SELECT org_id, bytes FROM use_of_changes
  UNION ALL SELECT org_id, bytes FROM use_of_events UNION ALL SELECT org_id, bytes FROM use_of_deliveries
  UNION ALL SELECT org_id, bytes FROM use_of_attempts UNION ALL SELECT org_id, bytes FROM use_of_responses
  UNION ALL SELECT org_id, bytes FROM use_of_logos UNION ALL SELECT org_id, bytes FROM use_of_remarks
  UNION ALL SELECT org_id, bytes FROM use_of_pictures;
CREATE TRIGGER freed_secrets BEFORE DELETE ON run_secrets BEGIN
  UPDATE organizations SET bytes_used = bytes_used - length(old.content)
    WHERE id = (SELECT org_id FROM runs WHERE number = old.number);
END;
