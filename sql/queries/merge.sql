-- Who was merged into whom, and who was said to be somebody else; with what takes either back. The index fact_merge.
-- name: merge_facts
SELECT customer_id, seq, kind, key, at, learned_at, body FROM fact WHERE kind >= 13
UNION ALL
SELECT customer_id, seq, kind, key, at, learned_at, body FROM fact
WHERE kind = 7 AND body IN ('{"kind":"merge"}', '{"kind":"distinct"}')
  AND customer_id IN (SELECT customer_id FROM fact WHERE kind >= 13)
ORDER BY 2;

-- The merges that hold of one survivor: the newest of each record that is merged now.
-- name: merge_facts_into
SELECT customer_id, seq, kind, key, at, learned_at, body FROM fact
WHERE kind >= 13 AND kind = 13 AND customer_id IN (SELECT customer_id FROM customer WHERE merged_into = ?1) ORDER BY seq;

-- name: merge_members
SELECT customer_id FROM customer WHERE merged_into = ?1 ORDER BY customer_id;

-- A record as it is, merged or not.
-- name: merge_record
SELECT coalesce(merged_into, 0), coalesce(erased_at, 0) FROM customer WHERE customer_id = ?1;

-- name: merge_record_by_ref
SELECT customer_id FROM customer WHERE ref = ?1;

-- Everybody merged into ?1 goes with it.
-- name: merge_lead
UPDATE customer SET merged_into = ?2 WHERE customer_id = ?1 OR merged_into = ?1;

-- name: merge_lead_one
UPDATE customer SET merged_into = CASE WHEN ?2 = 0 THEN NULL ELSE ?2 END WHERE customer_id = ?1;

-- name: merge_all
SELECT customer_id, merged_into FROM customer WHERE merged_into IS NOT NULL ORDER BY customer_id;

-- Who may be somebody else too: everybody who stands by themselves, and whose addresses those merged into them had.
-- name: duplicate_persons
SELECT p.customer_id, coalesce(c.merged_into, 0), p.first_name, p.last_name, p.company, p.email, p.phone, p.postcode
FROM person p JOIN customer c ON c.customer_id = p.customer_id WHERE c.erased_at IS NULL ORDER BY p.customer_id;
