-- name: import_begin
INSERT INTO import (import_id, file_hash, file_name, kind, started_at, finished_at, consent_source, rows_read, accepted, rejected, state)
VALUES ((SELECT coalesce(max(import_id), 0) + 1 FROM import), '', ?1, ?2, ?3, NULL, ?4, 0, 0, 0, 'running')
RETURNING import_id;

-- name: import_end
UPDATE import SET file_hash = ?2, kind = ?3, finished_at = ?4, rows_read = ?5, accepted = ?6, rejected = ?7, state = ?8
WHERE import_id = ?1;

-- Imports that never ended: their transaction was rolled back when their program died.
-- name: import_interrupted
UPDATE import SET state = 'rolled_back', finished_at = ?2 WHERE state = 'running' AND file_name = ?1;

-- name: import_known
SELECT kind, at, body FROM fact WHERE customer_id = ?1 AND key = ?2 AND (kind = ?3 OR kind = 7) ORDER BY seq DESC LIMIT 1;

-- name: import_consents
SELECT body FROM fact WHERE customer_id = ?1 AND kind = 3 ORDER BY seq;

-- name: import_documents
SELECT f.customer_id, f.key, f.at FROM document d JOIN fact f ON f.customer_id = d.customer_id AND f.seq = d.seq
WHERE d.kind = ?1 AND f.kind = ?1 AND f.at BETWEEN ?2 AND ?3 ORDER BY f.seq;
