-- Runs are searched by any part of what they say of themselves. What that is, folded (core/search_text.py), stands in
-- `run_texts`, which judges what is found; where to look, `run_search` tells: three characters each, in which runs they
-- occur. Both are written a second behind (store/search_index.py); `runs_to_index` has what has changed since. None of
-- it counts as used: it can be made anew from the runs.
CREATE TABLE run_texts (
  number INTEGER PRIMARY KEY,
  text TEXT NOT NULL  -- three characters that stand for the organization, so that no search walks through others' runs
) STRICT;
CREATE TABLE runs_to_index (
  number INTEGER PRIMARY KEY
) STRICT;
CREATE VIRTUAL TABLE run_search USING fts5(
  text, content = 'run_texts', content_rowid = 'number', detail = 'none', columnsize = 0,
  tokenize = 'trigram case_sensitive 1'
);
CREATE TABLE indexed_runs (  -- from which number up to which all are
  number INTEGER PRIMARY KEY CHECK (number = 1),
  first INTEGER NOT NULL,
  last INTEGER NOT NULL
) STRICT;
INSERT INTO indexed_runs SELECT 1, ifnull(max(number), 0) + 1, ifnull(max(number), 0) FROM runs;

CREATE TRIGGER searched_anew AFTER UPDATE OF title, executor_ref, fields, identity ON runs
  WHEN new.title IS NOT old.title OR new.executor_ref IS NOT old.executor_ref OR new.fields IS NOT old.fields
    OR nullif(new.identity, '{}') IS NOT nullif(old.identity, '{}')
  BEGIN
  INSERT OR IGNORE INTO runs_to_index VALUES (new.number);
END;

-- As the others have it: what an index leaves out anyway need not be looked at in each row.
DROP INDEX runs_flagged;
CREATE INDEX runs_flagged ON runs (org_id, created_at) WHERE flagged > 0 AND erased_at IS NULL;  -- GET /v1/runs?flagged=
