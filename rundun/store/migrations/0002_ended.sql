-- Runs by the day they ended on.

CREATE INDEX runs_by_end ON runs (org_id, status, closed_at)
  WHERE closed_at IS NOT NULL;  -- the console's list of what was completed or cancelled on a day
