-- The signing key can be rotated: `keys rotate-signing`.

INSERT OR IGNORE INTO secrets SELECT 'device', value FROM secrets WHERE name = 'signing';  -- of executors' cookies: it stays

CREATE TABLE rotations (  -- of the signing key
  number INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  last_event INTEGER NOT NULL  -- the newest event with media addresses of the key before
) STRICT;
