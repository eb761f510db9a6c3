-- name: hook_in_get
SELECT platform, name, secret FROM hook_in WHERE hook_id = ?1;

-- name: hooks_in
SELECT h.hook_id, h.platform, h.name,
  coalesce((SELECT max(d.at) FROM hook_delivery d WHERE d.hook_id = h.hook_id AND d.delivery NOT LIKE 'newest:%'), 0),
  (SELECT count(*) FROM hook_delivery d WHERE d.hook_id = h.hook_id AND d.delivery NOT LIKE 'newest:%') FROM hook_in h ORDER BY h.hook_id;

-- name: hook_in_put
INSERT INTO hook_in (hook_id, platform, name, secret, created_at)
VALUES (?5, ?1, ?2, ?3, ?4);

-- name: hook_in_newest
SELECT coalesce(max(hook_id), 0) FROM hook_in;

-- name: hook_in_delete
DELETE FROM hook_in WHERE hook_id = ?1;

-- name: hook_in_forget
DELETE FROM hook_delivery WHERE hook_id = ?1;

-- name: hook_delivery_put
INSERT INTO hook_delivery (hook_id, delivery, at) VALUES (?1, ?2, ?3) ON CONFLICT (hook_id, delivery) DO NOTHING;

-- name: hook_delivery_sweep
DELETE FROM hook_delivery WHERE at < ?1 AND delivery NOT LIKE 'newest:%';

-- Beside the deliveries, of each thing told: as of when its newest state is. Changes nothing when that is newer.
-- name: hook_newest_put
INSERT INTO hook_delivery (hook_id, delivery, at) VALUES (?1, ?2, ?3)
ON CONFLICT (hook_id, delivery) DO UPDATE SET at = excluded.at WHERE hook_delivery.at <= excluded.at;

-- name: hook_customer
SELECT customer_id FROM customer WHERE ref = ?1;

-- name: product_price
SELECT price FROM product WHERE sku = ?1;

-- name: hooks_out
SELECT h.hook_id, h.url, h.events,
  (SELECT count(*) FROM hook_event e WHERE e.hook_id = h.hook_id AND e.state = 'waiting'),
  (SELECT count(*) FROM hook_event e WHERE e.hook_id = h.hook_id AND e.state = 'given_up') FROM hook_out h ORDER BY h.hook_id;

-- name: hook_out_put
INSERT INTO hook_out (hook_id, url, events, secret, created_at, seq)
VALUES (?5, ?1, ?2, ?3, ?4, (SELECT seq_hi FROM shard WHERE shard = 0));

-- name: hook_out_newest
SELECT coalesce(max(hook_id), 0) FROM hook_out;

-- name: hook_out_delete
DELETE FROM hook_out WHERE hook_id = ?1;

-- name: hook_out_forget
DELETE FROM hook_event WHERE hook_id = ?1;

-- name: hook_out_all
SELECT hook_id, url, events, secret, seq FROM hook_out ORDER BY hook_id;

-- name: hook_out_count
SELECT count(*) FROM hook_out;

-- name: hook_out_seq
UPDATE hook_out SET seq = ?2 WHERE hook_id = ?1;

-- name: hook_event_put
INSERT INTO hook_event (event_id, hook_id, name, body, created_at, try_after, tries, state, answer)
VALUES (?5, ?1, ?2, ?3, ?4, ?4, 0, 'waiting', '');

-- name: hook_event_newest
SELECT coalesce(max(event_id), 0) FROM hook_event;

-- name: hook_event_due
SELECT e.event_id, e.name, e.body, e.tries FROM hook_event e
WHERE e.state = 'waiting' AND e.hook_id = ?3 AND e.try_after <= ?1 ORDER BY e.try_after, e.event_id LIMIT ?2;

-- name: hook_event_settle
UPDATE hook_event SET state = ?2, answer = ?3, try_after = ?4, tries = tries + 1 WHERE event_id = ?1;

-- name: hook_event_sweep
DELETE FROM hook_event WHERE state <> 'waiting' AND created_at < ?1;

-- name: hook_event_orphans
DELETE FROM hook_event WHERE hook_id NOT IN (SELECT hook_id FROM hook_out);

-- name: hook_events
SELECT event_id, name, created_at, tries, state, answer, try_after FROM hook_event
WHERE hook_id = ?1 AND event_id < ?2 ORDER BY event_id DESC LIMIT ?3;

-- name: tick_newest
SELECT coalesce(max(tick), 0) FROM tick;

-- name: goals_since
SELECT customer_id, plan, run_no, first_at FROM decision
WHERE verdict = 6 AND reason = 19 AND tick > ?1 AND tick <= ?2 ORDER BY tick, customer_id, plan, run_no;

-- name: goals_page
SELECT coalesce(max(g.tick), 0), count(*) FROM (SELECT tick FROM decision
WHERE verdict = 6 AND reason = 19 AND tick > ?1 AND tick <= ?2 ORDER BY tick LIMIT ?3) g;
