-- What the pages and the API keep since they edit messages, answer people's requests, ask for a second factor and talk
-- to other programs. Secrets are sealed with the key beside the database.

-- Messages as the shop edited them, every version: the newest of a path is what leaves; an empty one is the shipped
-- text again. clustered
CREATE TABLE message_text (
  path TEXT NOT NULL,            -- "fr/winback-1.md"
  version BIGINT NOT NULL,
  text TEXT NOT NULL,
  saved_at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  PRIMARY KEY (path, version)
);

-- What people asked for (GDPR 15 to 21), with the day by which it has to be answered.
CREATE TABLE data_request (
  request_id BIGINT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,            -- access, portability, rectification, erasure, objection
  customer_id BIGINT NOT NULL,
  asked_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  came_by TEXT NOT NULL,         -- e-mail, letter, phone, counter, page
  state TEXT NOT NULL,           -- open, done, refused
  extended TEXT NOT NULL,        -- why it takes two months more; empty: it does not
  answer TEXT NOT NULL,          -- what was done, or why it was refused; no personal data
  closed_at BIGINT,
  actor TEXT NOT NULL
);
CREATE INDEX data_request_open ON data_request (due_at) WHERE state = 'open';

-- Keyed hashes of the references, e-mail addresses and phones of people who were erased: an import that names them again
-- writes nothing. clustered
CREATE TABLE erased (
  hash BIGINT NOT NULL PRIMARY KEY,
  customer_id BIGINT NOT NULL,   -- what is left of them: sums without a name
  at BIGINT NOT NULL
);

-- The second factor, sealed; empty: none. The last step used, so that a code is taken once.
ALTER TABLE account ADD COLUMN totp TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN totp_step BIGINT NOT NULL DEFAULT 0;
-- Codes for the day the telephone is lost: hashed, each good once. clustered
CREATE TABLE backup_code (
  account_id BIGINT NOT NULL,
  code_hash TEXT NOT NULL,
  PRIMARY KEY (account_id, code_hash)
);
ALTER TABLE session ADD COLUMN created_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN agent TEXT NOT NULL DEFAULT '';
-- Links by which somebody makes their own account, once. clustered
CREATE TABLE invite (
  token_hash TEXT NOT NULL PRIMARY KEY,
  invite_id BIGINT NOT NULL,
  role TEXT NOT NULL,
  note TEXT NOT NULL,            -- whom it is for, as the owner calls them
  expires_at BIGINT NOT NULL
);

-- Shops that tell us what happens, with the secret that signs it.
CREATE TABLE hook_in (
  hook_id BIGINT NOT NULL PRIMARY KEY,
  platform TEXT NOT NULL,        -- shopify, woocommerce, prestashop
  name TEXT NOT NULL,            -- where facts come from: the first half of their keys
  secret TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
-- Deliveries taken: told again they change nothing. Kept 30 days. clustered
CREATE TABLE hook_delivery (
  hook_id BIGINT NOT NULL,
  delivery TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (hook_id, delivery)
);

-- Programs that want to be told, and what waits to be told to them.
CREATE TABLE hook_out (
  hook_id BIGINT NOT NULL PRIMARY KEY,
  url TEXT NOT NULL,
  events TEXT NOT NULL,          -- names separated by spaces
  secret TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  seq BIGINT NOT NULL            -- facts up to here were looked at
);
CREATE TABLE hook_event (
  event_id BIGINT NOT NULL PRIMARY KEY,
  hook_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  body TEXT NOT NULL,            -- JSON; ids only
  created_at BIGINT NOT NULL,
  try_after BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  state TEXT NOT NULL,           -- waiting, done, given_up
  answer TEXT NOT NULL           -- the last status or error
);
CREATE INDEX hook_event_waiting ON hook_event (try_after) WHERE state = 'waiting';

-- Answers given under an Idempotency-Key: the same question again gets the same answer. Kept a day. clustered
CREATE TABLE answered (
  key_hash TEXT NOT NULL PRIMARY KEY, -- of who asked, the path and the key
  body_hash TEXT NOT NULL,
  at BIGINT NOT NULL,
  status BIGINT NOT NULL,
  body TEXT NOT NULL
);
