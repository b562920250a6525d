-- A closed run can be repeated. The run made so names it, also once that one was erased: an id that opens nothing.
ALTER TABLE runs ADD COLUMN previous_run_id TEXT REFERENCES runs (id);
CREATE INDEX runs_repeating ON runs (previous_run_id) WHERE previous_run_id IS NOT NULL;  -- a run's page in the console

-- The webhook is copied, too, but for a secret that was forgotten since: whoever repeats the run has to give that, or
-- events would go unsigned from then on. Of runs that were closed before this nobody knows whether they had one.
ALTER TABLE runs ADD COLUMN webhook_forgotten INTEGER NOT NULL DEFAULT 0;
UPDATE runs SET webhook_forgotten = 1
  WHERE webhook_url IS NOT NULL AND webhook_secret IS NULL AND closed_at IS NOT NULL;
