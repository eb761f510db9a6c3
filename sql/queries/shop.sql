-- name: shop_get
SELECT value FROM shop WHERE name = ?1;

-- name: shop_set
INSERT INTO shop (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: shop_count
INSERT INTO shop (name, value) VALUES (?1, '1') ON CONFLICT (name) DO UPDATE SET value = CAST(shop.value AS BIGINT) + 1;

-- name: shop_counts
SELECT name, value FROM shop WHERE name IN ('changes.catalogue', 'changes.suppressions', 'changes.erased');

-- name: mark_now
SELECT seq_hi, outbox_hi, (SELECT value FROM shop WHERE name = 'incarnation') FROM shard WHERE shard = 0;

-- name: restore_messages
UPDATE message SET state = 6, outcome = 'restored backup' WHERE (state < 3 OR state = 4);

-- name: restore_plans
UPDATE plan SET state = 'paused' WHERE state = 'on';

-- name: restore_lease
UPDATE shard SET lease_owner = NULL, lease_until = 0, lease_epoch = lease_epoch + 1;

-- name: lease_take
UPDATE shard SET lease_epoch = CASE WHEN lease_owner = ?1 THEN lease_epoch ELSE lease_epoch + 1 END,
  lease_owner = ?1, lease_until = ?3
WHERE shard = 0 AND (lease_owner IS NULL OR lease_owner = ?1 OR lease_until < ?2)
RETURNING lease_epoch;

-- name: lease_show
SELECT lease_owner, lease_until FROM shard WHERE shard = 0;

-- name: lease_release
UPDATE shard SET lease_owner = NULL, lease_until = 0 WHERE shard = 0 AND lease_owner = ?1 AND lease_epoch = ?2;

-- name: lease_fence
UPDATE shard SET lease_epoch = lease_epoch WHERE shard = 0 AND lease_epoch = ?1;

-- name: shard_lock
UPDATE shard SET seq_hi = seq_hi WHERE shard = 0 RETURNING seq_hi;

-- name: shard_seq
UPDATE shard SET seq_hi = ?1 WHERE shard = 0;

-- name: seq_hi
SELECT seq_hi, (SELECT coalesce(max(customer_id), 0) FROM customer) FROM shard WHERE shard = 0;
