-- Translations whose author's text has changed since they were confirmed: {language: {part: {member: digest}}}, NULL
-- for none. Of a version it is the only thing that changes: translations are confirmed without a new version.

ALTER TABLE template_versions ADD COLUMN outdated TEXT CHECK (outdated IS NULL OR json_valid(outdated));
ALTER TABLE drafts ADD COLUMN outdated TEXT CHECK (outdated IS NULL OR json_valid(outdated));

-- They count toward the quota, as 0010_quotas.sql has it of all else.
DROP VIEW use_of_versions;
CREATE VIEW use_of_versions AS
  SELECT v.rowid AS number, t.org_id, 1000 + length(CAST(v.body || ifnull(v.outdated, '') AS BLOB)) AS bytes
  FROM template_versions AS v JOIN templates AS t ON t.id = v.template_id;
DROP VIEW use_of_drafts;
CREATE VIEW use_of_drafts AS
  SELECT number, org_id, 500 + length(CAST(name || body || ifnull(outdated, '') AS BLOB)) AS bytes FROM drafts;
