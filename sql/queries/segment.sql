-- name: customers_live
SELECT customer_id, ref FROM customer WHERE merged_into IS NULL AND erased_at IS NULL ORDER BY customer_id;

-- name: segment_put
INSERT INTO segment (name, text, created_at) VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET text = excluded.text, created_at = excluded.created_at;

-- name: segment_list
SELECT name, text FROM segment ORDER BY name;

-- name: segment_delete
DELETE FROM segment WHERE name = ?1;
