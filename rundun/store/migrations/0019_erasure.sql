-- Runs can be erased. What stays is the row itself with its ids and times, so that who asks for the run is told, its
-- events stay in the feed's order, and `run.erased` can be delivered; everything that was said or shown goes.

ALTER TABLE runs ADD COLUMN erased_at INTEGER;
ALTER TABLE runs ADD COLUMN erased_by TEXT;  -- whose doing it was: the id of a key or operator, or a word for the rest

-- Lists leave erased runs out, of which there may be many more than others once they are not kept for ever; so do the
-- indexes that serve them.
DROP INDEX runs_of_org;
DROP INDEX runs_by_status;
DROP INDEX runs_by_template;
DROP INDEX runs_by_end;
DROP INDEX runs_missed;
CREATE INDEX runs_of_org ON runs (org_id, created_at) WHERE erased_at IS NULL;  -- GET /v1/runs
CREATE INDEX runs_by_status ON runs (org_id, status, created_at) WHERE erased_at IS NULL;  -- GET /v1/runs?status=
CREATE INDEX runs_by_template ON runs (org_id, template_id, created_at)
  WHERE erased_at IS NULL;  -- GET /v1/runs?template_id=
CREATE INDEX runs_by_end ON runs (org_id, status, closed_at)
  WHERE closed_at IS NOT NULL AND erased_at IS NULL;  -- the console's list of what was completed or cancelled on a day
CREATE INDEX runs_missed ON runs (org_id, created_at)
  WHERE status = 'expired' AND started_at IS NULL AND erased_at IS NULL;  -- GET /v1/runs?missed=
CREATE INDEX runs_erased ON runs (id, erased_at, erased_by)
  WHERE erased_at IS NOT NULL AND erased_by <> 'retention';  -- the erasure journal, completed at each start

-- A key that leaks must not destroy evidence. None that was given out before this gets more than it had then.
ALTER TABLE keys ADD COLUMN may_erase INTEGER NOT NULL DEFAULT 0;

-- Which run a stored response names: a busy organization has too many of them to look through.
ALTER TABLE idempotency_keys ADD COLUMN run_id TEXT
  AS (CASE WHEN json_valid(CAST(body AS TEXT)) THEN CAST(CAST(body AS TEXT) ->> '$.run_id' AS TEXT) END) VIRTUAL;
CREATE INDEX idempotency_keys_of_run ON idempotency_keys (run_id) WHERE run_id IS NOT NULL;  -- erasing it

-- As 0014_job.sql has it, and `prefill`, which is replaced by nothing when a run is erased.
DROP TRIGGER replaced_texts;
CREATE TRIGGER replaced_texts AFTER UPDATE OF
  webhook_url, webhook_secret, webhook_destination, identity, cancel_reason, title, note, fields, secrets, prefill,
  executor_ref
  ON runs
  WHEN new.webhook_url IS NOT old.webhook_url OR new.webhook_secret IS NOT old.webhook_secret
    OR new.webhook_destination IS NOT old.webhook_destination OR new.cancel_reason IS NOT old.cancel_reason
    OR nullif(new.identity, '{}') IS NOT nullif(old.identity, '{}')
    OR new.title IS NOT old.title OR new.note IS NOT old.note OR new.fields IS NOT old.fields
    OR new.secrets IS NOT old.secrets OR new.prefill IS NOT old.prefill OR new.executor_ref IS NOT old.executor_ref
  BEGIN
  UPDATE organizations SET bytes_used = bytes_used
    + length(CAST(ifnull(new.webhook_url, '') || ifnull(new.webhook_secret, '') || ifnull(new.webhook_destination, '')
      || ifnull(nullif(new.identity, '{}'), '') || ifnull(new.cancel_reason, '') || ifnull(new.title, '')
      || ifnull(new.note, '') || ifnull(new.fields, '') || ifnull(new.secrets, '') || ifnull(new.prefill, '')
      || ifnull(new.executor_ref, '') || ifnull(new.executor_ref, '') AS BLOB))
    - length(CAST(ifnull(old.webhook_url, '') || ifnull(old.webhook_secret, '') || ifnull(old.webhook_destination, '')
      || ifnull(nullif(old.identity, '{}'), '') || ifnull(old.cancel_reason, '') || ifnull(old.title, '')
      || ifnull(old.note, '') || ifnull(old.fields, '') || ifnull(old.secrets, '') || ifnull(old.prefill, '')
      || ifnull(old.executor_ref, '') || ifnull(old.executor_ref, '') AS BLOB))
    WHERE id = new.org_id;
END;
