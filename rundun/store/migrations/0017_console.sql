-- What an operator looks for first: what went wrong, and what nobody did.

CREATE INDEX runs_flagged ON runs (org_id, created_at) WHERE flagged > 0;
CREATE INDEX runs_missed ON runs (org_id, closed_at) WHERE status = 'expired' AND started_at IS NULL;
