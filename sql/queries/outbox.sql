-- name: outbox_count
UPDATE shard SET outbox_hi = outbox_hi + ?1 WHERE shard = 0;

-- name: run_put
INSERT INTO run (customer_id, plan, run_no, plan_id, subject, entered_at, anchor_at, day, state, control, step, queued,
  last_sent_at, hold_until, held_reason, last_done_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
ON CONFLICT (customer_id, plan, run_no) DO UPDATE SET plan_id = excluded.plan_id, subject = excluded.subject,
  entered_at = excluded.entered_at, anchor_at = excluded.anchor_at, day = excluded.day, state = excluded.state,
  control = excluded.control, step = excluded.step, queued = excluded.queued, last_sent_at = excluded.last_sent_at,
  hold_until = excluded.hold_until, held_reason = excluded.held_reason, last_done_at = excluded.last_done_at;

-- The newest row of the step goes on when verdict and reason are the same; else a new row begins.
-- name: decision_put
INSERT INTO decision (customer_id, plan, run_no, step, verdict, reason, argument, version, channel, first_at, last_at, times,
  tick)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,
  coalesce((SELECT CASE WHEN d.verdict = ?5 AND d.reason = ?6 THEN d.first_at END FROM decision d
    WHERE d.customer_id = ?1 AND d.plan = ?2 AND d.run_no = ?3 AND d.step = ?4
    ORDER BY d.last_at DESC, d.first_at DESC, d.verdict DESC, d.reason DESC LIMIT 1), ?10), ?10, 1, ?11)
ON CONFLICT (customer_id, plan, run_no, step, verdict, reason, first_at) DO UPDATE SET last_at = excluded.last_at,
  times = decision.times + 1, argument = excluded.argument, version = excluded.version, channel = excluded.channel,
  tick = excluded.tick;

-- name: message_insert
INSERT INTO message (customer_id, plan, run_no, step, channel, state, purpose, version, variant, locale, message, due_at,
  queued_at, try_after, tries, epoch)
VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, ?14);

-- name: voucher_insert
INSERT INTO voucher (code, customer_id, plan, run_no, step, pool, percent, amount, minimum, valid_from, valid_until)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11);

-- name: message_due
SELECT customer_id, plan, run_no, step, channel, state, purpose, version, variant, locale, message, due_at, queued_at,
  coalesce(claimed_at, 0), coalesce(sent_at, 0), try_after, tries, epoch, coalesce(opened_at, 0), coalesce(clicked_at, 0),
  answer, outcome, subject, content, voucher, basis
FROM message WHERE (state < 3 OR state = 4) AND state IN (0, 4) AND try_after <= ?1 AND (?3 = 1 OR channel NOT IN (0, 6))
ORDER BY try_after, customer_id, plan, run_no, step, channel LIMIT ?2;

-- name: message_claim
UPDATE message SET state = 1, claimed_at = ?6, epoch = ?7
WHERE customer_id = ?1 AND plan = ?2 AND run_no = ?3 AND step = ?4 AND channel = ?5 AND state IN (0, 4);

-- name: message_release
UPDATE message SET state = 0, try_after = ?6, epoch = ?7, outcome = ?8
WHERE customer_id = ?1 AND plan = ?2 AND run_no = ?3 AND step = ?4 AND channel = ?5 AND state = 1;

-- name: message_sending
UPDATE message SET state = 2, subject = ?6, content = ?7, voucher = ?8, basis = ?9, epoch = ?10, sent_at = ?11,
  tries = tries + 1
WHERE customer_id = ?1 AND plan = ?2 AND run_no = ?3 AND step = ?4 AND channel = ?5 AND state = 1;

-- Sending is settled; what has not left is dropped; what is uncertain is settled by a person.
-- name: message_settle
UPDATE message SET state = ?6, sent_at = CASE WHEN ?6 IN (3, 5, 6) THEN ?7 ELSE sent_at END, try_after = ?8, outcome = ?9,
  tries = tries - ?11
WHERE customer_id = ?1 AND plan = ?2 AND run_no = ?3 AND step = ?4 AND channel = ?5
  AND ((?10 = 0 AND ((state = 2 AND ?6 < 7) OR (state IN (0, 1, 4) AND ?6 = 7))) OR (?10 = 1 AND state = 6));

-- name: message_opened
UPDATE message SET opened_at = coalesce(opened_at, ?6)
WHERE customer_id = ?1 AND plan = ?2 AND run_no = ?3 AND step = ?4 AND channel = ?5;

-- name: message_clicked
UPDATE message SET clicked_at = coalesce(clicked_at, ?6)
WHERE customer_id = ?1 AND plan = ?2 AND run_no = ?3 AND step = ?4 AND channel = ?5;

-- name: message_answered
UPDATE message SET answer = ?6
WHERE customer_id = ?1 AND plan = ?2 AND run_no = ?3 AND step = ?4 AND channel = ?5;

-- name: message_touch
UPDATE message SET state = state
WHERE customer_id = ?1 AND plan = ?2 AND run_no = ?3 AND step = ?4 AND channel = ?5;

-- name: message_requeue
UPDATE message SET state = 0 WHERE (state < 3 OR state = 4) AND state = 1;

-- name: message_in_flight
SELECT customer_id, plan, run_no, step, channel, state, purpose, version, variant, locale, message, due_at, queued_at,
  coalesce(claimed_at, 0), coalesce(sent_at, 0), try_after, tries, epoch, coalesce(opened_at, 0), coalesce(clicked_at, 0),
  answer, outcome
FROM message WHERE (state < 3 OR state = 4) AND state = 2 ORDER BY customer_id, plan, run_no, step, channel;

-- name: message_queue
SELECT customer_id, plan, run_no, step, channel, state, purpose, version, variant, locale, message, due_at, queued_at,
  coalesce(claimed_at, 0), coalesce(sent_at, 0), try_after, tries, epoch, coalesce(opened_at, 0), coalesce(clicked_at, 0),
  answer, outcome
FROM message WHERE (state < 3 OR state = 4 OR state = 6)
ORDER BY try_after, customer_id, plan, run_no, step, channel LIMIT ?1;

-- name: message_counts
SELECT state, count(*) FROM message GROUP BY state ORDER BY state;

-- name: messages_by_customer
SELECT customer_id, plan, run_no, step, channel, state, purpose, version, variant, locale, message, due_at, queued_at,
  coalesce(claimed_at, 0), coalesce(sent_at, 0), try_after, tries, epoch, coalesce(opened_at, 0), coalesce(clicked_at, 0),
  answer, outcome
FROM message WHERE customer_id BETWEEN ?1 AND ?2 ORDER BY customer_id, plan, run_no, step, channel;

-- name: message_get
SELECT customer_id, plan, run_no, step, channel, state, purpose, version, variant, locale, message, due_at, queued_at,
  coalesce(claimed_at, 0), coalesce(sent_at, 0), try_after, tries, epoch, coalesce(opened_at, 0), coalesce(clicked_at, 0),
  answer, outcome, subject, content, voucher, basis
FROM message WHERE customer_id = ?1 AND plan = ?2 AND run_no = ?3 AND step = ?4 AND channel = ?5;

-- What the shop has to mend: messages that could not be written or built, and one of the reasons.
-- name: message_unwritten
SELECT count(*), coalesce(max(outcome), '') FROM message WHERE (state < 3 OR state = 4) AND outcome LIKE 'cannot be %';

-- name: message_state
SELECT state FROM message WHERE customer_id = ?1 AND plan = ?2 AND run_no = ?3 AND step = ?4 AND channel = ?5;

-- name: runs_by_customer
SELECT customer_id, plan, run_no, plan_id, subject, entered_at, anchor_at, day, state, control, step, queued, last_sent_at,
  hold_until, held_reason, last_done_at FROM run WHERE customer_id BETWEEN ?1 AND ?2 ORDER BY customer_id, plan, run_no;

-- Of all records that are the person.
-- name: decisions_of
SELECT customer_id, plan, run_no, step, verdict, reason, argument, version, channel, first_at, last_at, times, tick
FROM decision WHERE customer_id IN (SELECT customer_id FROM customer WHERE customer_id = ?1 OR merged_into = ?1) ORDER BY first_at, tick, plan, run_no,
  CASE WHEN verdict < 2 THEN 0 WHEN verdict BETWEEN 6 AND 7 THEN 2 ELSE 1 END, step, verdict, reason;

-- name: link_put
INSERT INTO link (id, customer_id, plan, run_no, step, channel) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (id) DO UPDATE SET customer_id = excluded.customer_id;

-- name: link_find
SELECT customer_id, plan, run_no, step, channel FROM link WHERE id = ?1;
