-- The note of the operator who dealt with a missed or flagged run.
ALTER TABLE runs ADD COLUMN handled_note TEXT;
