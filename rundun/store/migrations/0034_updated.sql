-- When each run was last changed, for whoever reads again what has changed since. Of runs from before, what is known of
-- it in a moment.

ALTER TABLE runs ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE runs SET updated_at = max(created_at, ifnull(started_at, 0), ifnull(closed_at, 0), ifnull(handled_at, 0));
CREATE INDEX runs_by_update ON runs (org_id, updated_at) WHERE erased_at IS NULL;  -- GET /v1/runs?updated_after=
