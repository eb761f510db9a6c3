-- name: customers_after
SELECT customer_id, ref FROM customer WHERE customer_id > ?1 ORDER BY customer_id;

-- name: skus_after
SELECT product_id, sku FROM product WHERE product_id > ?1 ORDER BY product_id;

-- name: document_get
SELECT customer_id, seq FROM document WHERE hash = ?1 AND kind = ?2;

-- name: document_hashes
SELECT kind, hash FROM document;

-- name: document_keys_after
SELECT kind, key FROM fact WHERE seq > ?1 AND kind IN (1, 2);

-- name: document_delete
DELETE FROM document WHERE hash = ?1 AND kind = ?2;

-- name: fact_get
SELECT customer_id, seq, kind, key, at, learned_at, body FROM fact WHERE customer_id = ?1 AND seq = ?2;

-- The facts of one key and the retractions of that key, oldest first.
-- name: fact_of_key
SELECT customer_id, seq, kind, key, at, learned_at, body FROM fact
WHERE customer_id = ?1 AND key = ?2 AND (kind = ?3 OR kind = 7) ORDER BY seq;

-- name: facts_by_customer
SELECT customer_id, seq, kind, key, at, learned_at, body FROM fact
WHERE customer_id BETWEEN ?1 AND ?2 ORDER BY customer_id, seq;

-- name: facts_to_load
SELECT customer_id, kind, key, at, body FROM fact WHERE customer_id BETWEEN ?1 AND ?2 ORDER BY customer_id, seq;

-- name: facts_after
SELECT customer_id, seq, kind, key, at, learned_at, body FROM fact WHERE seq > ?1 ORDER BY seq LIMIT ?2;

-- name: quarantine_insert
INSERT INTO quarantine (id, customer_id, kind, key, at, learned_at, body)
VALUES ((SELECT coalesce(max(id), 0) + 1 FROM quarantine), ?1, ?2, ?3, ?4, ?5, ?6);
