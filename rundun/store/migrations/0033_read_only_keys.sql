-- API keys that may read and nothing else, for reports and dashboards.

ALTER TABLE keys ADD COLUMN read_only INTEGER NOT NULL DEFAULT 0;
