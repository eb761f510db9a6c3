-- Each counts what must not be.
-- name: check_fact_customer
SELECT count(*) FROM fact f LEFT JOIN customer c ON c.customer_id = f.customer_id
WHERE f.customer_id <> 0 AND c.customer_id IS NULL;

-- name: check_person_customer
SELECT count(*) FROM person p LEFT JOIN customer c ON c.customer_id = p.customer_id WHERE c.customer_id IS NULL;

-- name: check_address_person
SELECT count(*) FROM address a LEFT JOIN person p ON p.customer_id = a.customer_id WHERE p.customer_id IS NULL;

-- name: check_merged
SELECT count(*) FROM customer m LEFT JOIN customer c ON c.customer_id = m.merged_into
WHERE m.merged_into IS NOT NULL AND (c.customer_id IS NULL OR c.merged_into IS NOT NULL);

-- name: check_customer_dense
SELECT coalesce(max(customer_id), 0) - count(*) FROM customer;

-- name: check_product_dense
SELECT coalesce(max(product_id), 0) - count(*) FROM product;

-- name: check_run_customer
SELECT count(*) FROM run r LEFT JOIN customer c ON c.customer_id = r.customer_id WHERE c.customer_id IS NULL;

-- name: check_run_plan
SELECT count(*) FROM run r LEFT JOIN plan p ON p.plan_id = r.plan_id
WHERE p.plan_id IS NULL OR p.name <> r.plan OR r.run_no < 1 OR r.state NOT IN (0, 1, 2);

-- name: check_message_run
SELECT count(*) FROM message m LEFT JOIN run r ON r.customer_id = m.customer_id AND r.plan = m.plan AND r.run_no = m.run_no
WHERE r.customer_id IS NULL;

-- name: check_message_state
SELECT count(*) FROM message WHERE state NOT IN (0, 1, 2, 3, 4, 5, 6, 7) OR channel < 0 OR channel > 6
  OR (state IN (2, 3) AND sent_at IS NULL) OR (state = 1 AND claimed_at IS NULL) OR tries < 0;

-- A message that was accepted, refused, dropped or lost says so in a fact.
-- name: check_message_receipt
SELECT count(*) FROM message m WHERE m.state IN (3, 5, 7) AND NOT EXISTS (SELECT 1 FROM fact f
  WHERE f.customer_id = m.customer_id AND f.kind = 6 AND f.key LIKE m.plan || ':' || m.run_no || ':' || m.step || ':%');

-- name: check_decision_run
SELECT count(*) FROM decision d WHERE d.verdict NOT BETWEEN 0 AND 8 OR d.times < 1 OR d.first_at > d.last_at;

-- name: check_voucher
SELECT count(*) FROM voucher v LEFT JOIN customer c ON c.customer_id = v.customer_id
WHERE (v.customer_id <> 0 AND c.customer_id IS NULL) OR v.valid_from > v.valid_until;

-- name: check_tick
SELECT count(*) FROM tick t WHERE t.seq_hi > (SELECT seq_hi FROM shard WHERE shard = 0);

-- name: check_price
SELECT count(*) FROM price p LEFT JOIN product q ON q.product_id = p.product_id WHERE q.product_id IS NULL OR p.price < 0;

-- name: check_seqs
SELECT seq FROM fact ORDER BY seq;

-- name: check_documents
SELECT hash, kind, customer_id, seq FROM document;

-- name: check_persons
SELECT customer_id, email, phone FROM person WHERE email IS NOT NULL OR phone IS NOT NULL;

-- name: check_addresses
SELECT hash, customer_id FROM address;
