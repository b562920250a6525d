-- Steps that call for attention: of runs from before these are those that could not be done. Named shots of a photo step.

UPDATE runs SET flagged = json_extract(progress, '$.unable') WHERE json_extract(progress, '$.unable') > 0;

ALTER TABLE photos ADD COLUMN slot TEXT;  -- which of the step's slots it was taken for
