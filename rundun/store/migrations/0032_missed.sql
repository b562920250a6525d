-- Missed is what expired before it was done, begun or not. What was there before counts as handled, as in 0022: nobody
-- finds a year of it as today's work. Flagged ones stay as they are: they stand among the flagged until somebody is done
-- with them.

UPDATE runs SET handled_at = closed_at
  WHERE status = 'expired' AND started_at IS NOT NULL AND flagged = 0 AND erased_at IS NULL AND handled_at IS NULL;
DROP INDEX runs_missed;
CREATE INDEX runs_missed ON runs (org_id, created_at)
  WHERE status = 'expired' AND erased_at IS NULL;  -- GET /v1/runs?missed=
DROP INDEX runs_missed_to_handle;
CREATE INDEX runs_missed_to_handle ON runs (org_id, closed_at)
  WHERE status = 'expired' AND erased_at IS NULL AND handled_at IS NULL;  -- the console's Missed
