-- name: web_accounts
SELECT account_id, name, role, locale, password, totp, totp_step,
  (SELECT count(*) FROM backup_code b WHERE b.account_id = a.account_id) FROM account a ORDER BY account_id;

-- name: web_account_put
INSERT INTO account (account_id, name, role, locale, password, created_at)
VALUES ((SELECT coalesce(max(account_id), 0) + 1 FROM account), ?1, ?2, ?3, ?4, ?5);

-- name: web_account_delete
DELETE FROM account WHERE account_id = ?1;

-- name: web_sessions
SELECT token_hash, account_id, expires_at, created_at, agent FROM session WHERE expires_at > ?1;

-- name: web_session_put
INSERT INTO session (token_hash, account_id, expires_at, created_at, agent) VALUES (?1, ?2, ?3, ?4, ?5);

-- name: web_session_delete
DELETE FROM session WHERE token_hash = ?1;

-- name: web_session_sweep
DELETE FROM session WHERE expires_at <= ?1 OR account_id = ?2;

-- name: web_keys
SELECT key_id, key_hash, name, scopes FROM api_key ORDER BY key_id;

-- name: web_key_put
INSERT INTO api_key (key_id, key_hash, name, scopes, created_at)
VALUES ((SELECT coalesce(max(key_id), 0) + 1 FROM api_key), ?1, ?2, ?3, ?4);

-- name: web_key_delete
DELETE FROM api_key WHERE key_id = ?1;

-- name: web_draft_get
SELECT text FROM plan_draft WHERE name = ?1;

-- name: web_draft_put
INSERT INTO plan_draft (name, text, saved_at) VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET text = excluded.text, saved_at = excluded.saved_at;

-- name: web_draft_delete
DELETE FROM plan_draft WHERE name = ?1;

-- name: web_drafts
SELECT name, text FROM plan_draft ORDER BY name;

-- name: web_customers_from
SELECT customer_id FROM customer WHERE customer_id > ?1 AND merged_into IS NULL AND erased_at IS NULL
ORDER BY customer_id LIMIT ?2;

-- name: web_customer_there
SELECT coalesce(merged_into, customer_id) FROM customer WHERE customer_id = ?1 AND erased_at IS NULL;

-- name: web_gone_count
SELECT count(*) FROM customer WHERE merged_into IS NOT NULL OR erased_at IS NOT NULL;

-- name: web_customers_gone
SELECT customer_id FROM customer WHERE merged_into IS NOT NULL OR erased_at IS NOT NULL;

-- Prefix of the reference, or (lower case) of last name, first name, e-mail. Of a beginning that more than 500 share, 500
-- of each are looked at: an answer while one types, whatever the size of the base.
-- name: web_search
SELECT c.customer_id FROM customer c JOIN (
  SELECT customer_id FROM (SELECT customer_id FROM customer WHERE ref >= ?1 AND ref < ?2 AND customer_id > ?5 LIMIT 500) a
  UNION SELECT customer_id FROM (SELECT customer_id FROM person
    WHERE lower(last_name) >= ?3 AND lower(last_name) < ?4 AND customer_id > ?5 LIMIT 500) b
  UNION SELECT customer_id FROM (SELECT customer_id FROM person
    WHERE lower(first_name) >= ?3 AND lower(first_name) < ?4 AND customer_id > ?5 LIMIT 500) d
  UNION SELECT customer_id FROM (SELECT customer_id FROM person
    WHERE lower(email) >= ?3 AND lower(email) < ?4 AND customer_id > ?5 LIMIT 500) e
) f ON f.customer_id = c.customer_id
WHERE c.merged_into IS NULL AND c.erased_at IS NULL ORDER BY c.customer_id LIMIT ?6;

-- The same, all of them, in no order.
-- name: web_search_all
SELECT customer_id FROM customer WHERE ref >= ?1 AND ref < ?2
UNION ALL SELECT customer_id FROM person WHERE lower(last_name) >= ?3 AND lower(last_name) < ?4
UNION ALL SELECT customer_id FROM person WHERE lower(first_name) >= ?3 AND lower(first_name) < ?4
UNION ALL SELECT customer_id FROM person WHERE lower(email) >= ?3 AND lower(email) < ?4;

-- name: web_names
SELECT customer_id, coalesce(last_name, ''), coalesce(first_name, ''), coalesce(company, '') FROM person;

-- name: web_suppressions
SELECT count(*) FROM suppression;

-- name: web_signup_put
INSERT INTO signup (signup_id, email, first_name, locale, wording, asked_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6);

-- name: web_signup_get
SELECT email, first_name, locale, wording, asked_at, coalesce(confirmed_at, 0) FROM signup WHERE signup_id = ?1;

-- name: web_signup_confirm
UPDATE signup SET confirmed_at = ?2 WHERE signup_id = ?1 AND confirmed_at IS NULL;

-- Who erased themselves may come back: that is no reason to be silent.
-- name: web_signup_quiet
SELECT (SELECT count(*) FROM signup WHERE lower(email) = lower(?1) AND asked_at > ?2) +
  (SELECT count(*) FROM suppression WHERE hash = ?3 AND channel = ?4 AND reason <> 'erased');

-- name: web_signup_drop
DELETE FROM signup WHERE signup_id = ?1;

-- name: web_signup_sweep
DELETE FROM signup WHERE asked_at < ?1;

-- name: timeline_messages
SELECT plan, run_no, step, channel, state, subject, coalesce(sent_at, 0), queued_at, coalesce(opened_at, 0),
  coalesce(clicked_at, 0), version, CASE WHEN content IS NULL OR content = '' THEN 0 ELSE 1 END, customer_id
FROM message WHERE customer_id IN (SELECT customer_id FROM customer WHERE customer_id = ?1 OR merged_into = ?1) ORDER BY queued_at;

-- name: totp_put
UPDATE account SET totp = ?2, totp_step = ?3 WHERE account_id = ?1;

-- name: totp_step_put
UPDATE account SET totp_step = ?2 WHERE account_id = ?1 AND totp_step < ?2;

-- name: backup_codes_clear
DELETE FROM backup_code WHERE account_id = ?1;

-- name: backup_code_put
INSERT INTO backup_code (account_id, code_hash) VALUES (?1, ?2);

-- name: backup_code_there
SELECT 1 FROM backup_code WHERE account_id = ?1 AND code_hash = ?2;

-- name: backup_code_spend
DELETE FROM backup_code WHERE account_id = ?1 AND code_hash = ?2;

-- name: invite_get
SELECT role FROM invite WHERE token_hash = ?1 AND expires_at > ?2;

-- name: invites
SELECT invite_id, role, note, expires_at FROM invite WHERE expires_at > ?1 ORDER BY invite_id;

-- name: invite_put
INSERT INTO invite (token_hash, invite_id, role, note, expires_at)
VALUES (?1, (SELECT coalesce(max(invite_id), 0) + 1 FROM invite), ?2, ?3, ?4);

-- name: invite_spend
DELETE FROM invite WHERE token_hash = ?1;

-- name: invite_delete
DELETE FROM invite WHERE invite_id = ?1;

-- name: invite_sweep
DELETE FROM invite WHERE expires_at <= ?1;

-- name: answered_get
SELECT body_hash, status, body FROM answered WHERE key_hash = ?1 AND at > ?2;

-- name: answered_put
INSERT INTO answered (key_hash, body_hash, at, status, body) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (key_hash) DO NOTHING;

-- name: answered_sweep
DELETE FROM answered WHERE at <= ?1;
