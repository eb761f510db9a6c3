-- Erasure (SEMANTICS "Erasure"): what names a person goes, sums stay, dates become coarse. A month is 30 days here: 2592000 s.

-- name: erased_hashes
SELECT hash, customer_id FROM erased;

-- name: erased_put
INSERT INTO erased (hash, customer_id, at) VALUES (?1, ?2, ?3) ON CONFLICT (hash) DO NOTHING;

-- name: erased_forget
DELETE FROM erased WHERE customer_id IN (SELECT customer_id FROM erased WHERE hash = ?1);

-- name: erased_customers
SELECT customer_id FROM customer WHERE erased_at IS NOT NULL ORDER BY customer_id;

-- name: erased_latest
SELECT count(*), coalesce(max(erased_at), 0) FROM customer WHERE erased_at IS NOT NULL;

-- name: erase_facts
SELECT customer_id, seq, kind, key, at, learned_at, body FROM fact WHERE customer_id = ?1 ORDER BY seq DESC;

-- name: erase_fact
UPDATE fact SET kind = ?3, key = ?4, at = ?5, learned_at = ?6, body = ?7 WHERE customer_id = ?1 AND seq = ?2;

-- name: erase_document
DELETE FROM document WHERE hash = ?1 AND kind = ?2;

-- name: erase_document_put
INSERT INTO document (hash, kind, customer_id, seq) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (hash, kind) DO UPDATE SET customer_id = excluded.customer_id, seq = excluded.seq;

-- name: erase_customer
UPDATE customer SET ref = ?2, created_at = created_at / 2592000 * 2592000, erased_at = ?3 WHERE customer_id = ?1;

-- name: erase_person
DELETE FROM person WHERE customer_id = ?1;

-- name: erase_address
DELETE FROM address WHERE customer_id = ?1;

-- name: erase_quarantine
DELETE FROM quarantine WHERE customer_id = ?1;

-- name: erase_decisions
DELETE FROM decision WHERE customer_id = ?1;

-- name: erase_waiting
DELETE FROM message WHERE customer_id = ?1 AND state IN (0, 1, 4);

-- name: erase_messages
UPDATE message SET subject = NULL, content = NULL, voucher = NULL, basis = NULL, outcome = NULL, answer = NULL,
  due_at = due_at / 2592000 * 2592000, queued_at = queued_at / 2592000 * 2592000,
  claimed_at = claimed_at / 2592000 * 2592000, sent_at = sent_at / 2592000 * 2592000,
  opened_at = opened_at / 2592000 * 2592000, clicked_at = clicked_at / 2592000 * 2592000,
  state = CASE WHEN state = 2 THEN 6 ELSE state END
WHERE customer_id = ?1;

-- name: erase_runs
UPDATE run SET state = CASE WHEN state = 0 THEN 2 ELSE state END, subject = 0, queued = 0, hold_until = 0,
  entered_at = entered_at / 2592000 * 2592000, anchor_at = anchor_at / 2592000 * 2592000, day = day / 30 * 30,
  last_sent_at = last_sent_at / 2592000 * 2592000, last_done_at = last_done_at / 2592000 * 2592000
WHERE customer_id = ?1;

-- name: erase_link
DELETE FROM link WHERE id = ?1;

-- name: erase_vouchers
DELETE FROM voucher WHERE customer_id = ?1 AND redeemed_at IS NULL;

-- name: erase_redeemed
UPDATE voucher SET code = 'erased-' || customer_id || '-' || plan || '-' || run_no || '-' || step, redeemed_order = NULL
WHERE customer_id = ?1;

-- name: erase_signups
DELETE FROM signup WHERE lower(email) = lower(?1);

-- name: import_files
SELECT DISTINCT file_name FROM import WHERE rejected > 0;
