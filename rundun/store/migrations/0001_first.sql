-- The whole of Rundun's memory. Times are milliseconds since 1970 UTC; ids are the wire's.

CREATE TABLE secrets (  -- what the process needs to recognise its own signatures
  name TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE proof (  -- of being writable: what /readyz writes
  number INTEGER PRIMARY KEY CHECK (number = 1),
  at INTEGER NOT NULL
) STRICT;

CREATE TABLE organizations (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  contact TEXT,
  credits INTEGER CHECK (credits >= 0),  -- NULL: unlimited
  time_zone TEXT NOT NULL DEFAULT 'UTC',  -- IANA's name; the console shows times in it
  colour TEXT,  -- #rrggbb; the executor's page is in it
  logo INTEGER REFERENCES files (number),  -- a PNG shown on the executor's page
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL REFERENCES organizations (id),
  name TEXT NOT NULL,
  digest BLOB NOT NULL UNIQUE,  -- SHA-256 of the key; the unique index serves every authenticated call
  created_at INTEGER NOT NULL,
  revoked_at INTEGER,
  used_at INTEGER  -- at most a minute behind
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_of_org ON keys (org_id, created_at);  -- an organization's keys in the console

CREATE TABLE operators (  -- who may use the console
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL REFERENCES organizations (id),
  email TEXT NOT NULL UNIQUE,  -- in lower case; the unique index serves signing in
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
  password TEXT NOT NULL,  -- Argon2id, as argon2-cffi writes it
  created_at INTEGER NOT NULL,
  signed_in_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX operators_of_org ON operators (org_id, created_at);  -- the people of an organization

CREATE TABLE sessions (
  digest BLOB PRIMARY KEY,  -- SHA-256 of the cookie's token; serves every page of the console
  operator_id TEXT NOT NULL REFERENCES operators (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_operator ON sessions (operator_id);  -- sign out everywhere
CREATE INDEX sessions_old ON sessions (expires_at);  -- forgotten once they have expired

CREATE TABLE invitations (  -- links that make an operator, once
  digest BLOB PRIMARY KEY,  -- SHA-256 of the link's token
  id TEXT NOT NULL UNIQUE,
  org_id TEXT NOT NULL REFERENCES organizations (id),
  email TEXT,  -- NULL: whoever opens the link says who they are
  role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_of_org ON invitations (org_id, created_at);  -- the people of an organization
CREATE INDEX invitations_old ON invitations (expires_at);  -- forgotten once they have expired

CREATE TABLE idempotency_keys (  -- what was answered to POSTs under /v1, for 24 hours
  number INTEGER PRIMARY KEY,
  org_id TEXT NOT NULL REFERENCES organizations (id),
  path TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint BLOB NOT NULL,  -- SHA-256 of the request's JSON
  status INTEGER NOT NULL,
  body BLOB NOT NULL,
  headers TEXT NOT NULL CHECK (json_valid(headers)),
  created_at INTEGER NOT NULL,
  UNIQUE (org_id, path, key)  -- was this asked before?
) STRICT;
CREATE INDEX idempotency_keys_old ON idempotency_keys (created_at);  -- forgotten after 24 hours

CREATE TABLE templates (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  org_id TEXT NOT NULL REFERENCES organizations (id),
  v INTEGER NOT NULL,  -- the current version
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  archived_at INTEGER
) STRICT;
CREATE INDEX templates_of_org ON templates (org_id, number);  -- GET /v1/templates

CREATE TABLE template_versions (  -- rows never change: a run's snapshot is the row it points to
  template_id TEXT NOT NULL REFERENCES templates (id),
  v INTEGER NOT NULL,
  body TEXT NOT NULL CHECK (json_valid(body)),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (template_id, v)
) STRICT;

CREATE TABLE runs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  org_id TEXT NOT NULL REFERENCES organizations (id),
  template_id TEXT NOT NULL,
  template_v INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'in_progress', 'completed', 'cancelled', 'expired')),
  revision INTEGER NOT NULL,
  seq INTEGER NOT NULL,  -- of the latest event
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  started_at INTEGER,
  closed_at INTEGER,
  executor_ref TEXT,
  language TEXT,
  assigned_to TEXT,
  identity TEXT CHECK (json_valid(identity)),
  device TEXT,
  webhook_url TEXT,
  webhook_secret TEXT,
  webhook_events TEXT CHECK (json_valid(webhook_events)),
  webhook_destination TEXT,  -- organization, scheme, host and port: what limits on deliveries are counted by
  webhook_gone INTEGER NOT NULL DEFAULT 0,
  cancelled_by TEXT,
  cancel_reason TEXT,
  last_step_id TEXT,
  signature INTEGER REFERENCES signatures (number),
  progress TEXT NOT NULL CHECK (json_valid(progress)),
  FOREIGN KEY (template_id, template_v) REFERENCES template_versions (template_id, v)
) STRICT;
CREATE INDEX runs_of_org ON runs (org_id, created_at);  -- GET /v1/runs, runs_this_month
CREATE INDEX runs_by_status ON runs (org_id, status, created_at);  -- GET /v1/runs?status=
CREATE INDEX runs_by_template ON runs (org_id, template_id, created_at);  -- GET /v1/runs?template_id=
CREATE INDEX runs_by_executor_ref ON runs (org_id, executor_ref, created_at)
  WHERE executor_ref IS NOT NULL;  -- GET /v1/runs?executor_ref=
CREATE INDEX runs_open ON runs (status, expires_at)
  WHERE status IN ('pending', 'in_progress');  -- the expiry sweep, and how many are open
CREATE INDEX runs_open_of_org ON runs (org_id, status, expires_at)
  WHERE status IN ('pending', 'in_progress');  -- the console's overview: how many are open, and late
CREATE INDEX runs_with_secret ON runs (closed_at)
  WHERE webhook_secret IS NOT NULL AND closed_at IS NOT NULL;  -- secrets to be forgotten

CREATE TABLE answers (  -- every answer ever applied; the one in force is current
  number INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  step_id TEXT NOT NULL,
  answer_id TEXT,
  is_current INTEGER NOT NULL,
  value TEXT NOT NULL CHECK (json_valid(value)),
  skipped INTEGER NOT NULL,
  unable TEXT,
  photos TEXT CHECK (json_valid(photos)),  -- NULL: those that have arrived, in that order
  geo TEXT CHECK (json_valid(geo)),
  signature INTEGER REFERENCES signatures (number),
  at INTEGER NOT NULL,
  answered_at INTEGER,
  by TEXT
) STRICT;
CREATE UNIQUE INDEX answers_in_force ON answers (run_id, step_id) WHERE is_current;  -- every look at a run
CREATE UNIQUE INDEX answers_applied ON answers (run_id, step_id, answer_id)
  WHERE answer_id IS NOT NULL;  -- a repeated PUT of an answer

CREATE INDEX answers_of_step ON answers (run_id, step_id);  -- how many there were, which signatures they stand on

CREATE TABLE files (  -- numbers are never used again, so a media address of something erased stays dead
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  content_type TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  is_whole INTEGER NOT NULL,  -- 0 while its chunks are being written
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX files_unfinished ON files (number) WHERE NOT is_whole;  -- cleared away at start, and later when old

CREATE TABLE chunks (  -- the bytes of files, 1 MiB a row
  file INTEGER NOT NULL REFERENCES files (number) ON DELETE CASCADE,
  part INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (file, part)
) STRICT;

CREATE TABLE photos (
  number INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  step_id TEXT NOT NULL,
  photo_id TEXT NOT NULL,
  original INTEGER NOT NULL REFERENCES files (number),
  derived INTEGER NOT NULL REFERENCES files (number),  -- the original itself where the phone had shrunk it
  thumbnail INTEGER NOT NULL REFERENCES files (number),
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  source TEXT,
  taken_at INTEGER,
  geo TEXT CHECK (json_valid(geo)),
  received_at INTEGER NOT NULL,
  UNIQUE (run_id, step_id, photo_id)
) STRICT;
CREATE INDEX photos_by_original ON photos (original);  -- foreign key checks when a file is erased
CREATE INDEX photos_by_derived ON photos (derived);
CREATE INDEX photos_by_thumbnail ON photos (thumbnail);

CREATE TABLE signatures (
  number INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES runs (id),
  step_id TEXT NOT NULL,  -- '' for the one that closes the run
  file INTEGER NOT NULL REFERENCES files (number),
  typed_name TEXT,
  received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX signatures_of_run ON signatures (run_id, step_id);  -- every look at a run

CREATE TABLE events (
  number INTEGER PRIMARY KEY,  -- in commit order
  id TEXT NOT NULL UNIQUE,
  run_id TEXT NOT NULL REFERENCES runs (id),
  org_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  event TEXT NOT NULL,
  body TEXT NOT NULL CHECK (json_valid(body)),
  UNIQUE (run_id, seq)
) STRICT;

CREATE INDEX events_of_org ON events (org_id, number);  -- GET /v1/events

CREATE TABLE deliveries (  -- the outbox; what is being sent is pending until its outcome is written
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  event INTEGER NOT NULL REFERENCES events (number),
  run_id TEXT NOT NULL REFERENCES runs (id),
  org_id TEXT NOT NULL,
  destination TEXT NOT NULL,  -- the run's webhook_destination
  status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at INTEGER,
  next_trigger TEXT NOT NULL DEFAULT 'automatic' CHECK (next_trigger IN ('automatic', 'manual')),
  resume_at INTEGER,  -- when the schedule goes on after a manual attempt, NULL: it has come to its end
  wants_alert INTEGER NOT NULL DEFAULT 0,  -- it has failed for good, and the operator is to be told
  created_at INTEGER NOT NULL,
  settled_at INTEGER
) STRICT;
CREATE INDEX deliveries_due ON deliveries (destination, next_attempt_at) WHERE status = 'pending';  -- claiming
CREATE INDEX deliveries_next ON deliveries (next_attempt_at) WHERE status = 'pending';  -- is anything due?
CREATE INDEX deliveries_of_org ON deliveries (org_id, created_at);  -- GET /v1/deliveries
CREATE INDEX deliveries_by_status ON deliveries (org_id, status, created_at);  -- GET /v1/deliveries?status=,
-- POST /v1/deliveries/retry, deliveries_failed
CREATE INDEX deliveries_of_run ON deliveries (run_id, number);  -- GET /v1/runs/{id}/deliveries
CREATE INDEX deliveries_to_tell ON deliveries (number) WHERE wants_alert;  -- alerts.url

CREATE TABLE attempts (
  delivery INTEGER NOT NULL REFERENCES deliveries (number),
  number INTEGER NOT NULL,
  trigger TEXT NOT NULL CHECK (trigger IN ('automatic', 'manual')),
  url TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  status INTEGER,
  error TEXT,
  excerpt TEXT,
  PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE tallies (  -- what has happened in each quarter of an hour, in every time zone a part of a day
  org_id TEXT NOT NULL REFERENCES organizations (id),
  what TEXT NOT NULL,  -- dispatched, photos, or the status that runs were closed in
  quarter INTEGER NOT NULL,  -- quarters of an hour since 1970 UTC
  number INTEGER NOT NULL,
  PRIMARY KEY (org_id, what, quarter)  -- the overview's days, and usage by month
) STRICT, WITHOUT ROWID;

CREATE TRIGGER tally_dispatched AFTER INSERT ON runs BEGIN
  INSERT INTO tallies VALUES (new.org_id, 'dispatched', new.created_at / 900000, 1)
    ON CONFLICT DO UPDATE SET number = number + 1;
END;

CREATE TRIGGER tally_closed AFTER UPDATE OF closed_at ON runs
  WHEN old.closed_at IS NULL AND new.closed_at IS NOT NULL BEGIN
  INSERT INTO tallies VALUES (new.org_id, new.status, new.closed_at / 900000, 1)
    ON CONFLICT DO UPDATE SET number = number + 1;
END;

CREATE TRIGGER tally_photos AFTER INSERT ON photos BEGIN
  INSERT INTO tallies
    SELECT org_id, 'photos', new.received_at / 900000, 1 FROM runs WHERE id = new.run_id
    ON CONFLICT DO UPDATE SET number = number + 1;
END;
