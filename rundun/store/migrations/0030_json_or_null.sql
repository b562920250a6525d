-- Checks of JSON say where NULL is allowed: SQLite 3.40, which Debian 12 has, takes NULL for wrong JSON, and its plain
-- `PRAGMA integrity_check` found fault with a sound file. Only the schema's text is changed, as SQLite's ALTER TABLE page,
-- section 7, describes for checks: no row is read, so this takes no time however large the file is.

PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(replace(replace(replace(sql,
    'CHECK (json_valid(identity))', 'CHECK (identity IS NULL OR json_valid(identity))'),
    'CHECK (json_valid(webhook_events))', 'CHECK (webhook_events IS NULL OR json_valid(webhook_events))'),
    'CHECK (json_valid(fields))', 'CHECK (fields IS NULL OR json_valid(fields))'),
    'CHECK (json_valid(secrets))', 'CHECK (secrets IS NULL OR json_valid(secrets))'),
    'CHECK (json_valid(prefill))', 'CHECK (prefill IS NULL OR json_valid(prefill))')
  WHERE type = 'table' AND name = 'runs';
UPDATE sqlite_schema SET sql = replace(replace(sql,
    'CHECK (json_valid(photos))', 'CHECK (photos IS NULL OR json_valid(photos))'),
    'CHECK (json_valid(geo))', 'CHECK (geo IS NULL OR json_valid(geo))')
  WHERE type = 'table' AND name IN ('answers', 'photos');
PRAGMA writable_schema = RESET;
-- An ordinary change, by which other connections notice that they have to read the schema again.
CREATE TABLE noticed (number INTEGER PRIMARY KEY) STRICT;
DROP TABLE noticed;
