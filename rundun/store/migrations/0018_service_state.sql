-- What the service has to remember of itself between two starts.

CREATE TABLE service_state (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
