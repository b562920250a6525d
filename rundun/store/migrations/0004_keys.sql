-- What is looked for when a row is deleted that others may point to: without these, each is read whole.

CREATE INDEX signatures_by_file ON signatures (file);
CREATE INDEX runs_by_signature ON runs (signature) WHERE signature IS NOT NULL;
CREATE INDEX answers_by_signature ON answers (signature) WHERE signature IS NOT NULL;
