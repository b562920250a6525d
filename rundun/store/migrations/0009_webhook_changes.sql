-- A run's webhook can be changed and taken away, which its page in the console tells.

CREATE TABLE changes_with_webhooks (
  number INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  what TEXT NOT NULL
    CHECK (what IN ('extended', 'released', 'photo_deleted', 'webhook_changed', 'webhook_removed')),
  by TEXT NOT NULL CHECK (by IN ('executor', 'integrator', 'operator')),
  name TEXT,  -- of the operator, or of the integrator's key, as it was then
  details TEXT NOT NULL CHECK (json_valid(details)),
  at INTEGER NOT NULL
) STRICT;
INSERT INTO changes_with_webhooks SELECT number, run_id, what, by, name, details, at FROM changes;
DROP TABLE changes;
ALTER TABLE changes_with_webhooks RENAME TO changes;
CREATE INDEX changes_of_run ON changes (run_id, number);  -- a run's page in the console
