-- Fingerprints were plain digests of bodies, from which a door code of a closed run could be found by trying all. What
-- was answered within the last day is still answered to the same key; whether the body is the same is not asked.
UPDATE idempotency_keys SET fingerprint = x'';
