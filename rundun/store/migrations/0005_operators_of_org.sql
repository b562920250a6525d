-- An e-mail address stands for one operator of an organization; other organizations may have one with it, too.

CREATE TABLE kept_operators AS SELECT * FROM operators;
CREATE TABLE kept_sessions AS SELECT * FROM sessions;
DROP TABLE operators;  -- and with each row its sessions, by their foreign key; nothing else points here yet

CREATE TABLE operators (  -- who may use the console
  id TEXT PRIMARY KEY,
  org_id TEXT NOT NULL REFERENCES organizations (id),
  email TEXT NOT NULL,  -- in lower case
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
  password TEXT NOT NULL,  -- Argon2id, as argon2-cffi writes it
  created_at INTEGER NOT NULL,
  signed_in_at INTEGER,
  UNIQUE (org_id, email)
) STRICT, WITHOUT ROWID;
CREATE INDEX operators_of_org ON operators (org_id, created_at);  -- the people of an organization
CREATE INDEX operators_by_email ON operators (email, created_at);  -- signing in

INSERT INTO operators SELECT id, org_id, email, name, role, password, created_at, signed_in_at FROM kept_operators;
INSERT INTO sessions SELECT digest, operator_id, created_at, expires_at FROM kept_sessions;
DROP TABLE kept_sessions;
DROP TABLE kept_operators;
