-- What the service has to remember of itself between two starts. `restore` writes it into older files, too.

CREATE TABLE IF NOT EXISTS service_state (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE removed_operators (  -- who must stay out after a restore, should the erasure journal be lost
  id TEXT PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
