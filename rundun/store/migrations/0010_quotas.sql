-- What each organization uses of the file, and its quota.
--
-- A row counts about what it takes of the file, in bytes: its long texts, the bytes of its files, and a constant for the
-- rest of it with its indexes. The views say how much. Whoever adds a row says the same to `Tx.grow` (store/quotas.py
-- has the constants), and one UPDATE a commit adds it all up, since a trigger would make each dispatch 3 % dearer. Rows
-- that are deleted, or replaced as far as that happens, are counted by the triggers here, so whoever deletes need not
-- think of it. (REPLACE fires no trigger for what it deletes, so no table counted here is written with it.)

ALTER TABLE organizations ADD COLUMN bytes_used INTEGER NOT NULL DEFAULT 0;
ALTER TABLE organizations ADD COLUMN bytes_quota INTEGER CHECK (bytes_quota >= 0);  -- 0: none, NULL: as the settings say
ALTER TABLE organizations ADD COLUMN quota_alerted INTEGER NOT NULL DEFAULT 0;  -- alerts.url knows that it is nearly full

CREATE VIEW use_of_versions AS
  SELECT v.rowid AS number, t.org_id, 1000 + length(CAST(v.body AS BLOB)) AS bytes
  FROM template_versions AS v JOIN templates AS t ON t.id = v.template_id;
CREATE VIEW use_of_runs AS
  SELECT number, org_id, 1200 + length(CAST(
    ifnull(webhook_url, '') || ifnull(webhook_secret, '') || ifnull(webhook_destination, '')
    || ifnull(nullif(identity, '{}'), '') || ifnull(cancel_reason, '')
    || ifnull(executor_ref, '') || ifnull(executor_ref, '')  -- and in its index
    AS BLOB)) AS bytes
  FROM runs;
CREATE VIEW use_of_answers AS
  SELECT a.number, r.org_id, 500 + length(CAST(a.value AS BLOB)) + ifnull(length(CAST(a.unable AS BLOB)), 0)
    + ifnull(length(a.photos), 0) + ifnull(length(a.geo), 0) AS bytes
  FROM answers AS a JOIN runs AS r ON r.id = a.run_id;
CREATE VIEW use_of_photos AS
  SELECT p.number, r.org_id, 1500 + ifnull(length(p.geo), 0) + (
    SELECT sum(f.bytes) FROM files AS f WHERE f.number IN (p.original, p.derived, p.thumbnail)
  ) AS bytes
  FROM photos AS p JOIN runs AS r ON r.id = p.run_id;
CREATE VIEW use_of_signatures AS
  SELECT s.number, r.org_id, 700 + f.bytes + ifnull(length(CAST(s.typed_name AS BLOB)), 0) AS bytes
  FROM signatures AS s JOIN runs AS r ON r.id = s.run_id JOIN files AS f ON f.number = s.file;
CREATE VIEW use_of_changes AS
  SELECT c.number, r.org_id, 200 + length(CAST(c.details || ifnull(c.name, '') AS BLOB)) AS bytes
  FROM changes AS c JOIN runs AS r ON r.id = c.run_id;
CREATE VIEW use_of_events AS
  SELECT number, org_id, 400 + length(CAST(body AS BLOB)) AS bytes FROM events;
CREATE VIEW use_of_deliveries AS SELECT number, org_id, 800 + length(destination) AS bytes FROM deliveries;
CREATE VIEW use_of_attempts AS
  SELECT a.delivery, a.number, d.org_id, 150 + length(CAST(a.url AS BLOB)) + ifnull(length(CAST(a.error AS BLOB)), 0)
    + ifnull(length(CAST(a.excerpt AS BLOB)), 0) AS bytes
  FROM attempts AS a JOIN deliveries AS d ON d.number = a.delivery;
CREATE VIEW use_of_responses AS
  SELECT number, org_id, 700 + length(body) + length(headers) AS bytes FROM idempotency_keys;
CREATE VIEW use_of_logos AS
  SELECT o.id AS org_id, f.bytes FROM organizations AS o JOIN files AS f ON f.number = o.logo;
CREATE VIEW uses AS  -- what `bytes_used` of an organization is the sum of
  SELECT org_id, bytes FROM use_of_versions UNION ALL SELECT org_id, bytes FROM use_of_runs
  UNION ALL SELECT org_id, bytes FROM use_of_answers UNION ALL SELECT org_id, bytes FROM use_of_photos
  UNION ALL SELECT org_id, bytes FROM use_of_signatures UNION ALL SELECT org_id, bytes FROM use_of_changes
  UNION ALL SELECT org_id, bytes FROM use_of_events UNION ALL SELECT org_id, bytes FROM use_of_deliveries
  UNION ALL SELECT org_id, bytes FROM use_of_attempts UNION ALL SELECT org_id, bytes FROM use_of_responses
  UNION ALL SELECT org_id, bytes FROM use_of_logos;

UPDATE organizations SET bytes_used = used.bytes
  FROM (SELECT org_id, sum(bytes) AS bytes FROM uses GROUP BY org_id) AS used WHERE used.org_id = organizations.id;

CREATE TRIGGER freed_version BEFORE DELETE ON template_versions BEGIN
  UPDATE organizations SET bytes_used = bytes_used - was.bytes
    FROM (SELECT org_id, bytes FROM use_of_versions WHERE number = old.rowid) AS was WHERE id = was.org_id;
END;
CREATE TRIGGER freed_run BEFORE DELETE ON runs BEGIN
  UPDATE organizations SET bytes_used = bytes_used - was.bytes
    FROM (SELECT org_id, bytes FROM use_of_runs WHERE number = old.number) AS was WHERE id = was.org_id;
END;
CREATE TRIGGER freed_answer BEFORE DELETE ON answers BEGIN
  UPDATE organizations SET bytes_used = bytes_used - was.bytes
    FROM (SELECT org_id, bytes FROM use_of_answers WHERE number = old.number) AS was WHERE id = was.org_id;
END;
CREATE TRIGGER freed_photo BEFORE DELETE ON photos BEGIN
  UPDATE organizations SET bytes_used = bytes_used - was.bytes
    FROM (SELECT org_id, bytes FROM use_of_photos WHERE number = old.number) AS was WHERE id = was.org_id;
END;
CREATE TRIGGER freed_signature BEFORE DELETE ON signatures BEGIN
  UPDATE organizations SET bytes_used = bytes_used - was.bytes
    FROM (SELECT org_id, bytes FROM use_of_signatures WHERE number = old.number) AS was WHERE id = was.org_id;
END;
CREATE TRIGGER freed_change BEFORE DELETE ON changes BEGIN
  UPDATE organizations SET bytes_used = bytes_used - was.bytes
    FROM (SELECT org_id, bytes FROM use_of_changes WHERE number = old.number) AS was WHERE id = was.org_id;
END;
CREATE TRIGGER freed_event BEFORE DELETE ON events BEGIN
  UPDATE organizations SET bytes_used = bytes_used - was.bytes
    FROM (SELECT org_id, bytes FROM use_of_events WHERE number = old.number) AS was WHERE id = was.org_id;
END;
CREATE TRIGGER freed_delivery BEFORE DELETE ON deliveries BEGIN
  UPDATE organizations SET bytes_used = bytes_used - was.bytes
    FROM (SELECT org_id, bytes FROM use_of_deliveries WHERE number = old.number) AS was WHERE id = was.org_id;
END;
CREATE TRIGGER freed_attempt BEFORE DELETE ON attempts BEGIN
  UPDATE organizations SET bytes_used = bytes_used - was.bytes
    FROM (SELECT org_id, bytes FROM use_of_attempts WHERE delivery = old.delivery AND number = old.number) AS was
    WHERE id = was.org_id;
END;
CREATE TRIGGER freed_response BEFORE DELETE ON idempotency_keys BEGIN
  UPDATE organizations SET bytes_used = bytes_used - was.bytes
    FROM (SELECT org_id, bytes FROM use_of_responses WHERE number = old.number) AS was WHERE id = was.org_id;
END;

-- What is replaced: `Tx.grow` hears of the new response as of any, so the old one goes.
CREATE TRIGGER replaced_response BEFORE UPDATE OF body ON idempotency_keys BEGIN
  UPDATE organizations SET bytes_used = bytes_used - was.bytes
    FROM (SELECT org_id, bytes FROM use_of_responses WHERE number = old.number) AS was WHERE id = was.org_id;
END;
CREATE TRIGGER replaced_photos AFTER UPDATE OF photos ON answers WHEN new.photos IS NOT old.photos BEGIN
  UPDATE organizations SET bytes_used = bytes_used + ifnull(length(new.photos), 0) - ifnull(length(old.photos), 0)
    WHERE id = (SELECT org_id FROM runs WHERE id = new.run_id);
END;
CREATE TRIGGER replaced_texts AFTER UPDATE OF
  webhook_url, webhook_secret, webhook_destination, identity, cancel_reason ON runs
  WHEN new.webhook_url IS NOT old.webhook_url OR new.webhook_secret IS NOT old.webhook_secret
    OR new.webhook_destination IS NOT old.webhook_destination OR new.cancel_reason IS NOT old.cancel_reason
    OR nullif(new.identity, '{}') IS NOT nullif(old.identity, '{}') BEGIN
  UPDATE organizations SET bytes_used = bytes_used
    + length(CAST(ifnull(new.webhook_url, '') || ifnull(new.webhook_secret, '') || ifnull(new.webhook_destination, '')
      || ifnull(nullif(new.identity, '{}'), '') || ifnull(new.cancel_reason, '') AS BLOB))
    - length(CAST(ifnull(old.webhook_url, '') || ifnull(old.webhook_secret, '') || ifnull(old.webhook_destination, '')
      || ifnull(nullif(old.identity, '{}'), '') || ifnull(old.cancel_reason, '') AS BLOB))
    WHERE id = new.org_id;
END;
CREATE TRIGGER replaced_destination AFTER UPDATE OF destination ON deliveries
  WHEN length(new.destination) <> length(old.destination) BEGIN
  UPDATE organizations SET bytes_used = bytes_used + length(new.destination) - length(old.destination)
    WHERE id = new.org_id;
END;
CREATE TRIGGER replaced_logo AFTER UPDATE OF logo ON organizations BEGIN
  UPDATE organizations SET bytes_used = bytes_used
    + ifnull((SELECT bytes FROM files WHERE number = new.logo), 0)
    - ifnull((SELECT bytes FROM files WHERE number = old.logo), 0) WHERE id = new.id;
END;
