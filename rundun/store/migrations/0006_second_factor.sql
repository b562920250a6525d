-- A second factor for signing in to the console.

CREATE TABLE second_factors (  -- of the operators who have switched one on
  operator_id TEXT PRIMARY KEY REFERENCES operators (id) ON DELETE CASCADE,
  secret TEXT NOT NULL,  -- base32, plain: codes are computed from it
  last_step INTEGER NOT NULL,  -- the time step (RFC 6238) of the last code accepted: none counts twice
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery_codes (  -- those that have not been used
  operator_id TEXT NOT NULL REFERENCES second_factors (operator_id) ON DELETE CASCADE,
  digest BLOB NOT NULL,  -- SHA-256 of 80 random bits
  PRIMARY KEY (operator_id, digest)
) STRICT, WITHOUT ROWID;
