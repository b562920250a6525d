-- Where events of runs go that a person has dispatched without saying where. Kept apart from the template, whose JSON is
-- shown to integrators and in runs' records.

CREATE TABLE default_webhooks (
  org_id TEXT NOT NULL REFERENCES organizations (id),
  template_id TEXT REFERENCES templates (id),  -- NULL: of the organization's other templates
  url TEXT NOT NULL,
  secret TEXT,  -- stays until it is replaced
  events TEXT NOT NULL CHECK (json_valid(events))
) STRICT;
CREATE UNIQUE INDEX default_webhooks_of ON default_webhooks (org_id, ifnull(template_id, ''));  -- each dispatch by hand
