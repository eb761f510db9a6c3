-- name: voucher_draw
UPDATE voucher SET customer_id = ?2, plan = ?3, run_no = ?4, step = ?5
WHERE code = (SELECT code FROM voucher WHERE pool = ?1 AND customer_id = 0 ORDER BY code LIMIT 1) RETURNING code;

-- name: voucher_of
SELECT code, coalesce(valid_until, 0) FROM voucher WHERE pool = ?1 AND customer_id = ?2 AND plan = ?3 AND run_no = ?4 AND step = ?5
ORDER BY code LIMIT 1;

-- name: voucher_add
INSERT INTO voucher (code, customer_id, plan, run_no, step, pool, percent, amount, minimum)
VALUES (?1, 0, '', 0, '', ?2, 0, 0, 0) ON CONFLICT (code) DO NOTHING;

-- name: voucher_free
SELECT count(*) FROM voucher WHERE pool = ?1 AND customer_id = 0;

-- name: voucher_start
UPDATE voucher SET valid_from = ?2, valid_until = ?3 WHERE code = ?1;

-- name: voucher_redeem
UPDATE voucher SET redeemed_at = ?2, redeemed_order = ?3 WHERE code = ?1 AND redeemed_at IS NULL;

-- name: suppression_put
INSERT INTO suppression (hash, channel, reason, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (hash, channel) DO NOTHING;

-- name: suppression_lift
DELETE FROM suppression WHERE hash = ?1 AND channel = ?2;

-- name: suppressions
SELECT hash, channel, reason, at FROM suppression ORDER BY hash, channel;

-- name: plan_put
INSERT INTO plan (plan_id, name, version, text, state, on_since, first_on, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (plan_id) DO UPDATE SET name = excluded.name, version = excluded.version, text = excluded.text,
  state = excluded.state, on_since = excluded.on_since, first_on = excluded.first_on;

-- name: plans
SELECT plan_id, name, version, text, state, on_since, first_on, created_at FROM plan ORDER BY plan_id;

-- name: tick_next
SELECT 1 + CASE WHEN t.n > r.n THEN t.n ELSE r.n END
FROM (SELECT coalesce(max(tick), 0) AS n FROM tick) t, (SELECT coalesce(max(tick), 0) AS n FROM round) r;

-- name: round_put
INSERT INTO round (tick, round, kind, fresh, at, seq_hi, hold, upto, plans, claims, decisions, trace_sha256)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12);

-- name: rounds
SELECT tick, round, kind, fresh, at, seq_hi, hold, upto, plans, claims, decisions, trace_sha256 FROM round
ORDER BY tick, round;

-- name: tick_put
INSERT INTO tick (tick, at, seq_hi, settings, plans, thresholds_day, tzdata, engine, decisions, trace_sha256)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);

-- name: tick_last
SELECT tick, at, seq_hi, settings, plans, thresholds_day, tzdata, engine, decisions, trace_sha256
FROM tick ORDER BY tick DESC LIMIT 1;

-- name: ticks
SELECT tick, at, seq_hi, settings, plans, thresholds_day, tzdata, engine, decisions, trace_sha256
FROM tick WHERE tick >= ?1 ORDER BY tick;
