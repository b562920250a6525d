-- Links by which an operator sets a new password, made by an owner for a colleague who has forgotten it.

CREATE TABLE password_resets (
  operator_id TEXT PRIMARY KEY REFERENCES operators (id) ON DELETE CASCADE,  -- a newer link replaces the one before
  digest BLOB NOT NULL UNIQUE,  -- SHA-256 of the link's token
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX password_resets_old ON password_resets (expires_at);  -- forgotten once they have expired
