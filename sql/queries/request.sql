-- name: request_next
SELECT coalesce(max(request_id), 0) + 1 FROM data_request;

-- name: request_put
INSERT INTO data_request (request_id, kind, customer_id, asked_at, due_at, came_by, state, extended, answer, actor)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'open', '', '', ?7);

-- name: request_again
SELECT count(*) FROM data_request
WHERE customer_id = ?1 AND kind = ?2 AND state = 'open' AND came_by = 'page' AND asked_at > ?3;

-- name: request_close
UPDATE data_request SET state = ?2, answer = ?3, closed_at = ?4 WHERE request_id = ?1 AND state = 'open';

-- name: request_extend
UPDATE data_request SET extended = ?2, due_at = ?3 WHERE request_id = ?1 AND state = 'open' AND extended = '';

-- name: requests
SELECT request_id, kind, customer_id, asked_at, due_at, came_by, state, extended, answer, coalesce(closed_at, 0), actor
FROM data_request WHERE state = 'open' OR ?1 = 0
ORDER BY CASE WHEN state = 'open' THEN 0 ELSE 1 END, CASE WHEN state = 'open' THEN due_at ELSE -closed_at END, request_id
LIMIT ?2 OFFSET ?3;

-- name: request_get
SELECT request_id, kind, customer_id, asked_at, due_at, came_by, state, extended, answer, coalesce(closed_at, 0), actor
FROM data_request WHERE request_id = ?1;

-- name: request_counts
SELECT count(*), coalesce(sum(CASE WHEN due_at <= ?1 THEN 1 ELSE 0 END), 0) FROM data_request WHERE state = 'open';

-- name: product_words
SELECT sku, name FROM product WHERE product_id = ?1;

-- name: suppressions_of
SELECT channel, reason, at FROM suppression WHERE hash = ?1 ORDER BY channel;

-- name: suppressions_from
SELECT hash, channel, reason, at FROM suppression WHERE hash > ?1 OR (hash = ?1 AND channel > ?2)
ORDER BY hash, channel LIMIT ?3;

-- name: address_holder
SELECT customer_id FROM address WHERE hash = ?1 ORDER BY customer_id LIMIT 1;

-- name: consents_said
SELECT seq, key, at, learned_at, body FROM fact WHERE customer_id = ?1 AND kind = 3 ORDER BY seq;

-- name: audit_lines
SELECT audit_id, at, actor, action, object FROM audit WHERE audit_id < ?1 ORDER BY audit_id DESC LIMIT ?2;

-- name: newest_profile_key
SELECT key FROM fact WHERE customer_id = ?1 AND kind = 4 ORDER BY seq DESC LIMIT 1;

-- name: request_newest
SELECT coalesce(max(request_id), 0) FROM data_request;

-- name: requests_since
SELECT request_id, kind, customer_id, asked_at, due_at, came_by FROM data_request WHERE request_id > ?1 ORDER BY request_id LIMIT ?2;
