-- `run.erased` may be sent long after a run was closed, and is signed then: the secrets of webhooks that name it are kept
-- until it was. The index leaves them out, or each look for old ones would pass by all of them.
DROP INDEX runs_with_secret;
CREATE INDEX runs_with_secret ON runs (closed_at)
  WHERE webhook_secret IS NOT NULL AND closed_at IS NOT NULL
    AND (erased_at IS NOT NULL OR instr(webhook_events, '"run.erased"') = 0);  -- secrets to be forgotten
