-- Who has changed what in an organization, for its owners: keys, people, checklists, settings.

CREATE TABLE organization_changes (
  number INTEGER PRIMARY KEY,
  org_id TEXT NOT NULL REFERENCES organizations (id),
  at INTEGER NOT NULL,
  what TEXT NOT NULL,  -- a word of core/organization_change.py
  by TEXT NOT NULL CHECK (by IN ('operator', 'integrator', 'administrator')),
  actor_id TEXT NOT NULL,  -- of the operator or the integrator's key; 'administrator', who has none
  name TEXT,  -- of the operator or the key, as it was then
  details TEXT NOT NULL CHECK (json_valid(details))
) STRICT;
CREATE INDEX organization_changes_of_org ON organization_changes (org_id, number);  -- the console's history
CREATE INDEX organization_changes_of_actor ON organization_changes (org_id, actor_id, number);  -- of one person
CREATE INDEX organization_changes_old ON organization_changes (at);  -- deleted after two years

-- What they take of the quota, as 0010_quotas.sql has it of all else.
CREATE VIEW use_of_organization_changes AS
  SELECT number, org_id, 250 + length(CAST(details || ifnull(name, '') AS BLOB)) AS bytes FROM organization_changes;
DROP VIEW uses;
CREATE VIEW uses AS  -- what `bytes_used` of an organization is the sum of
  SELECT org_id, bytes FROM use_of_versions UNION ALL SELECT org_id, bytes FROM use_of_runs
  UNION ALL SELECT org_id, bytes FROM use_of_secrets
  UNION ALL SELECT org_id, bytes FROM use_of_answers UNION ALL SELECT org_id, bytes FROM use_of_photos
  UNION ALL SELECT org_id, bytes FROM use_of_signatures UNION ALL SELECT org_id, bytes FROM use_of_changes
  UNION ALL SELECT org_id, bytes FROM use_of_events UNION ALL SELECT org_id, bytes FROM use_of_deliveries
  UNION ALL SELECT org_id, bytes FROM use_of_attempts UNION ALL SELECT org_id, bytes FROM use_of_responses
  UNION ALL SELECT org_id, bytes FROM use_of_logos UNION ALL SELECT org_id, bytes FROM use_of_remarks
  UNION ALL SELECT org_id, bytes FROM use_of_pictures UNION ALL SELECT org_id, bytes FROM use_of_organization_changes;
CREATE TRIGGER freed_organization_change BEFORE DELETE ON organization_changes BEGIN
  UPDATE organizations SET bytes_used = bytes_used - was.bytes
    FROM (SELECT org_id, bytes FROM use_of_organization_changes WHERE number = old.number) AS was WHERE id = was.org_id;
END;
