-- Drafts of templates: what is being written, with its faults, until it is published as a version or discarded.

CREATE TABLE drafts (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  org_id TEXT NOT NULL REFERENCES organizations (id),
  template_id TEXT UNIQUE REFERENCES templates (id),  -- NULL: of a template that is not published yet
  made_from INTEGER,  -- the version of that template that it began with
  revision INTEGER NOT NULL,
  name TEXT NOT NULL,  -- the template's, '' without one
  body TEXT NOT NULL,  -- a JSON object, as typed
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by TEXT NOT NULL CHECK (updated_by IN ('operator', 'integrator')),
  updated_by_name TEXT,  -- of the operator or key
  CHECK ((template_id IS NULL) = (made_from IS NULL))
) STRICT;
CREATE INDEX drafts_of_org ON drafts (org_id, number);
CREATE TABLE draft_pictures (  -- named by a draft, which keeps them from expiring
  draft INTEGER NOT NULL REFERENCES drafts (number),
  picture_id TEXT NOT NULL,
  PRIMARY KEY (picture_id, draft)
) STRICT, WITHOUT ROWID;
CREATE INDEX draft_pictures_of_draft ON draft_pictures (draft);

-- What they take of the quota, as 0010_quotas.sql has it of all else.
CREATE VIEW use_of_drafts AS SELECT number, org_id, 500 + length(CAST(name || body AS BLOB)) AS bytes FROM drafts;
DROP VIEW uses;
CREATE VIEW uses AS  -- what `bytes_used` of an organization is the sum of
  SELECT org_id, bytes FROM use_of_versions UNION ALL SELECT org_id, bytes FROM use_of_runs
  UNION ALL SELECT org_id, bytes FROM use_of_secrets
  UNION ALL SELECT org_id, bytes FROM use_of_answers UNION ALL SELECT org_id, bytes FROM use_of_photos
  UNION ALL SELECT org_id, bytes FROM use_of_signatures UNION ALL SELECT org_id, bytes FROM use_of_changes
  UNION ALL SELECT org_id, bytes FROM use_of_events UNION ALL SELECT org_id, bytes FROM use_of_deliveries
  UNION ALL SELECT org_id, bytes FROM use_of_attempts UNION ALL SELECT org_id, bytes FROM use_of_responses
  UNION ALL SELECT org_id, bytes FROM use_of_logos UNION ALL SELECT org_id, bytes FROM use_of_remarks
  UNION ALL SELECT org_id, bytes FROM use_of_pictures UNION ALL SELECT org_id, bytes FROM use_of_organization_changes
  UNION ALL SELECT org_id, bytes FROM use_of_drafts;
CREATE TRIGGER freed_draft BEFORE DELETE ON drafts BEGIN
  UPDATE organizations SET bytes_used = bytes_used - was.bytes
    FROM (SELECT org_id, bytes FROM use_of_drafts WHERE number = old.number) AS was WHERE id = was.org_id;
END;
