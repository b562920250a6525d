-- What a run is about, beside its checklist; what came to light in it.

ALTER TABLE runs ADD COLUMN title TEXT;
ALTER TABLE runs ADD COLUMN note TEXT;
ALTER TABLE runs ADD COLUMN due_at INTEGER;  -- when it should be done; closes nothing
ALTER TABLE runs ADD COLUMN fields TEXT CHECK (json_valid(fields));  -- values by the ids of the template's fields
ALTER TABLE runs ADD COLUMN secrets TEXT CHECK (json_valid(secrets));  -- as `fields`, those that end with the run
ALTER TABLE runs ADD COLUMN prefill TEXT CHECK (json_valid(prefill));  -- values by step, to be confirmed
ALTER TABLE runs ADD COLUMN flagged INTEGER NOT NULL DEFAULT 0;  -- steps that call for attention
ALTER TABLE runs ADD COLUMN clock_skew_seconds INTEGER;  -- of the phone, where it is more than a few minutes

DROP TRIGGER replaced_texts;
DROP VIEW use_of_runs;
CREATE VIEW use_of_runs AS
  SELECT number, org_id, 1200 + length(CAST(
    ifnull(webhook_url, '') || ifnull(webhook_secret, '') || ifnull(webhook_destination, '')
    || ifnull(nullif(identity, '{}'), '') || ifnull(cancel_reason, '')
    || ifnull(title, '') || ifnull(note, '') || ifnull(fields, '') || ifnull(secrets, '') || ifnull(prefill, '')
    || ifnull(executor_ref, '') || ifnull(executor_ref, '')  -- and in its index
    AS BLOB)) AS bytes
  FROM runs;
CREATE TRIGGER replaced_texts AFTER UPDATE OF
  webhook_url, webhook_secret, webhook_destination, identity, cancel_reason, title, note, fields, secrets, executor_ref
  ON runs
  WHEN new.webhook_url IS NOT old.webhook_url OR new.webhook_secret IS NOT old.webhook_secret
    OR new.webhook_destination IS NOT old.webhook_destination OR new.cancel_reason IS NOT old.cancel_reason
    OR nullif(new.identity, '{}') IS NOT nullif(old.identity, '{}')
    OR new.title IS NOT old.title OR new.note IS NOT old.note OR new.fields IS NOT old.fields
    OR new.secrets IS NOT old.secrets OR new.executor_ref IS NOT old.executor_ref BEGIN
  UPDATE organizations SET bytes_used = bytes_used
    + length(CAST(ifnull(new.webhook_url, '') || ifnull(new.webhook_secret, '') || ifnull(new.webhook_destination, '')
      || ifnull(nullif(new.identity, '{}'), '') || ifnull(new.cancel_reason, '') || ifnull(new.title, '')
      || ifnull(new.note, '') || ifnull(new.fields, '') || ifnull(new.secrets, '')
      || ifnull(new.executor_ref, '') || ifnull(new.executor_ref, '') AS BLOB))
    - length(CAST(ifnull(old.webhook_url, '') || ifnull(old.webhook_secret, '') || ifnull(old.webhook_destination, '')
      || ifnull(nullif(old.identity, '{}'), '') || ifnull(old.cancel_reason, '') || ifnull(old.title, '')
      || ifnull(old.note, '') || ifnull(old.fields, '') || ifnull(old.secrets, '')
      || ifnull(old.executor_ref, '') || ifnull(old.executor_ref, '') AS BLOB))
    WHERE id = new.org_id;
END;
