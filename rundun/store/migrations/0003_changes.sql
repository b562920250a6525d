-- What was done to a run that none of its events tells of; its page in the console does.

CREATE TABLE changes (
  number INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  what TEXT NOT NULL CHECK (what IN ('extended', 'released', 'photo_deleted')),
  by TEXT NOT NULL CHECK (by IN ('executor', 'integrator', 'operator')),
  name TEXT,  -- of the operator, or of the integrator's key, as it was then
  details TEXT NOT NULL CHECK (json_valid(details)),
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX changes_of_run ON changes (run_id, number);  -- a run's page in the console
