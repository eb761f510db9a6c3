-- name: objectives
SELECT objective_id, scope, name, measure, first_month, months, target, members FROM objective
ORDER BY first_month, months, scope, name, measure;

-- name: objective_put
INSERT INTO objective (objective_id, scope, name, measure, first_month, months, target, members, created_at)
VALUES ((SELECT coalesce(max(objective_id), 0) + 1 FROM objective), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (scope, name, measure, first_month, months) DO UPDATE SET target = excluded.target, members = excluded.members;

-- name: objective_id
SELECT objective_id FROM objective WHERE scope = ?1 AND name = ?2 AND measure = ?3 AND first_month = ?4 AND months = ?5;

-- name: objective_remove
DELETE FROM objective WHERE objective_id = ?1;

-- name: report_mail_claim
INSERT INTO report_mail (month, recipient, state, at, outcome) VALUES (?1, ?2, 0, ?3, '')
ON CONFLICT (month, recipient) DO NOTHING;

-- Not taken by the server: again a while later. Refused: again when a person asks (?5 = 1).
-- name: report_mail_reclaim
UPDATE report_mail SET state = 0, at = ?3
WHERE month = ?1 AND recipient = ?2 AND (state = 4 AND (at <= ?4 OR ?5 = 1) OR state = 2 AND ?5 = 1);

-- name: report_mail_settle
UPDATE report_mail SET state = ?3, at = ?4, outcome = ?5 WHERE month = ?1 AND recipient = ?2;

-- What was being sent when the program ended: whether it arrived is not known.
-- name: report_mail_recover
UPDATE report_mail SET state = 3, outcome = 'the program ended while it was sent' WHERE state = 0;

-- name: report_mail_state
SELECT state, at, outcome FROM report_mail WHERE month = ?1 AND recipient = ?2;
