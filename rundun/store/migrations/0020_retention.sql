-- How long an organization keeps what it has of closed runs, in days; NULL: for ever. A template's come first, where it
-- has some; there, NULL: as the organization has it, 0: for ever.

ALTER TABLE organizations ADD COLUMN keep_photos_days INTEGER CHECK (keep_photos_days > 0);
ALTER TABLE organizations ADD COLUMN keep_runs_days INTEGER CHECK (keep_runs_days > 0);
ALTER TABLE organizations ADD COLUMN keep_attempts_days INTEGER DEFAULT 90 CHECK (keep_attempts_days > 0);
ALTER TABLE organizations ADD COLUMN tells_retention INTEGER NOT NULL DEFAULT 1;  -- on the executor's start page

ALTER TABLE templates ADD COLUMN keep_photos_days INTEGER CHECK (keep_photos_days >= 0);
ALTER TABLE templates ADD COLUMN keep_runs_days INTEGER CHECK (keep_runs_days >= 0);
