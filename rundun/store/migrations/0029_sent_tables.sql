-- Tables of jobs. What is asked for in one go is made in small steps, so that nobody else waits for a thousand of them;
-- until all are made, what is left of them is kept, and after a crash the rest is made at the next start.

CREATE TABLE sent_tables (
  number INTEGER PRIMARY KEY,
  org_id TEXT NOT NULL REFERENCES organizations (id),
  template_id TEXT NOT NULL,
  template_v INTEGER NOT NULL,
  digest BLOB NOT NULL,  -- the same for the same jobs, secrets aside
  count INTEGER NOT NULL,
  runs TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(runs)),  -- numbers of those that are made, in the table's order
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sent_tables_by_digest ON sent_tables (org_id, digest);  -- whether a table comes again
CREATE INDEX sent_tables_by_age ON sent_tables (created_at);  -- which are forgotten

-- As with secrets (0014_job.sql), spaces for as long as a page stand before the content, so that all of it lies on pages
-- of its own, which are overwritten when it goes.
CREATE TABLE table_parts (
  number INTEGER PRIMARY KEY,
  sent_table INTEGER NOT NULL REFERENCES sent_tables (number),
  content BLOB NOT NULL  -- JSON: dispatches
) STRICT;
CREATE INDEX table_parts_of_table ON table_parts (sent_table, number);  -- the next one
