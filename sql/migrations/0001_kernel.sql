-- The store of a shop. Common dialect: BIGINT is INTEGER on SQLite, where every table is STRICT; a table whose comment
-- says "clustered" is WITHOUT ROWID there. Instants are UTC seconds, money minor units, enums the numbers of model.h.
-- customer_id leads every per-customer key, so that the tables can be sharded by customer.

-- Names and values of the installation: schema_version, incarnation, zone, currency, locale, seed, created_at, stopped …
CREATE TABLE shop (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
);

-- One row per customer shard: the last seq given out, and the lease of the worker that owns the shard. epoch fences:
-- every decision and claim is committed under the epoch it was made in.
CREATE TABLE shard (
  shard BIGINT NOT NULL PRIMARY KEY,
  seq_hi BIGINT NOT NULL,        -- last fact number given out; gap-free
  outbox_hi BIGINT NOT NULL,     -- messages queued and changed so far: with seq_hi, the high-water mark of the side file
  lease_owner TEXT,              -- host, process and a nonce; NULL: free
  lease_epoch BIGINT NOT NULL,   -- grows with every take-over
  lease_until BIGINT NOT NULL
);

-- Who exists. ref is the shop's own number or name for the customer; id is ours, dense from 1.
CREATE TABLE customer (
  customer_id BIGINT NOT NULL PRIMARY KEY,
  ref TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  merged_into BIGINT,            -- the surviving record, when this one was merged
  erased_at BIGINT
);
CREATE UNIQUE INDEX customer_ref ON customer (ref);

-- Personal data, apart from facts: erasing a person empties this row.
CREATE TABLE person (
  customer_id BIGINT NOT NULL PRIMARY KEY,
  civility TEXT, first_name TEXT, last_name TEXT, company TEXT,
  email TEXT, phone TEXT,
  address1 TEXT, address2 TEXT, postcode TEXT, city TEXT, country TEXT,
  attributes TEXT                -- JSON object, free
);

-- Look-up of a person by an address: keyed hash of the normalised e-mail or phone. clustered
CREATE TABLE address (
  hash BIGINT NOT NULL,
  customer_id BIGINT NOT NULL,
  PRIMARY KEY (hash, customer_id)
);

-- The catalogue; id is ours, dense from 1.
CREATE TABLE product (
  product_id BIGINT NOT NULL PRIMARY KEY,
  sku TEXT NOT NULL,
  name TEXT, type TEXT, family TEXT, category TEXT, brand TEXT,
  price BIGINT, cost BIGINT,     -- minor units
  vat_x2 BIGINT,                 -- half percents: 20 % = 40
  stock BIGINT, lifetime_days BIGINT, tier BIGINT,
  replaced_by TEXT,              -- SKU
  not_a_product BIGINT NOT NULL, -- postage, manual entries, bank charges
  url TEXT, image TEXT,
  attributes TEXT                -- JSON object: what up-sell compares
);
CREATE UNIQUE INDEX product_sku ON product (sku);

-- Prices as they were: the lowest of 30 days is the only price that may be struck out. clustered
CREATE TABLE price (
  product_id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  price BIGINT NOT NULL,
  PRIMARY KEY (product_id, at)
);

-- Facts: append-only but for logged erasure and retention. customer_id 0 is the shop itself and its guests. body is the
-- canonical JSON of model/body.h. clustered
CREATE TABLE fact (
  customer_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  key TEXT NOT NULL,
  at BIGINT NOT NULL,
  learned_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (customer_id, seq)
);
CREATE UNIQUE INDEX fact_seq ON fact (seq, customer_id);

-- The newest fact of each document of a till: whose it is, so that a file imported again finds what it knows. hash is
-- hash64(kind, key); clustered
CREATE TABLE document (
  hash BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  customer_id BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (hash, kind)
);

-- Facts dated more than a day ahead of their arrival: shown, not believed.
CREATE TABLE quarantine (
  id BIGINT NOT NULL PRIMARY KEY,
  customer_id BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  key TEXT NOT NULL,
  at BIGINT NOT NULL,
  learned_at BIGINT NOT NULL,
  body TEXT NOT NULL
);

-- Imports: what was read, and how far, so that an interrupted one is known and resumed.
CREATE TABLE import (
  import_id BIGINT NOT NULL PRIMARY KEY,
  file_hash TEXT NOT NULL, file_name TEXT NOT NULL, kind TEXT NOT NULL,
  started_at BIGINT NOT NULL, finished_at BIGINT,
  consent_source TEXT,
  rows_read BIGINT NOT NULL, accepted BIGINT NOT NULL, rejected BIGINT NOT NULL,
  state TEXT NOT NULL            -- running, done, rolled_back
);

-- Every version of every plan ever put in force.
CREATE TABLE plan (
  plan_id BIGINT NOT NULL PRIMARY KEY, -- index in the engine's plan set
  name TEXT NOT NULL,
  version BIGINT NOT NULL,
  text TEXT NOT NULL,            -- the file
  state TEXT NOT NULL,           -- on, off, paused, draining
  on_since BIGINT NOT NULL, first_on BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX plan_name ON plan (name, version);

-- Runs: one person in one plan. clustered
CREATE TABLE run (
  customer_id BIGINT NOT NULL,
  plan TEXT NOT NULL,
  run_no BIGINT NOT NULL,
  plan_id BIGINT NOT NULL,
  subject BIGINT NOT NULL,
  entered_at BIGINT NOT NULL, anchor_at BIGINT NOT NULL, day BIGINT NOT NULL,
  state BIGINT NOT NULL, control BIGINT NOT NULL,
  step BIGINT NOT NULL, queued BIGINT NOT NULL,
  last_sent_at BIGINT NOT NULL, last_done_at BIGINT NOT NULL, hold_until BIGINT NOT NULL, held_reason BIGINT NOT NULL,
  PRIMARY KEY (customer_id, plan, run_no)
);

-- Decisions, one row per verdict and reason of a step (or of the run itself, step ''): the story `why` tells. clustered
CREATE TABLE decision (
  customer_id BIGINT NOT NULL,
  plan TEXT NOT NULL,
  run_no BIGINT NOT NULL,
  step TEXT NOT NULL,
  verdict BIGINT NOT NULL,
  reason BIGINT NOT NULL,
  argument BIGINT NOT NULL,
  version BIGINT NOT NULL,
  channel BIGINT NOT NULL,
  first_at BIGINT NOT NULL, last_at BIGINT NOT NULL, times BIGINT NOT NULL,
  tick BIGINT NOT NULL,
  PRIMARY KEY (customer_id, plan, run_no, step, verdict, reason, first_at)
);

-- Messages; the primary key is the message key: the same message cannot exist twice. State: 0 queued, 1 claimed,
-- 2 sending, 3 accepted, 4 deferred, 5 refused, 6 uncertain, 7 dropped. clustered
CREATE TABLE message (
  customer_id BIGINT NOT NULL,
  plan TEXT NOT NULL,
  run_no BIGINT NOT NULL,
  step TEXT NOT NULL,
  channel BIGINT NOT NULL,
  state BIGINT NOT NULL,
  purpose BIGINT NOT NULL,
  version BIGINT NOT NULL, variant BIGINT NOT NULL, locale BIGINT NOT NULL,
  message TEXT NOT NULL,         -- the template's name
  due_at BIGINT NOT NULL, queued_at BIGINT NOT NULL, claimed_at BIGINT, sent_at BIGINT,
  try_after BIGINT NOT NULL, tries BIGINT NOT NULL,
  epoch BIGINT NOT NULL,         -- of the lease under which it was last touched
  subject TEXT, content TEXT,    -- stored at the claim, before the hand-off: a retry and the web version reuse them
  voucher TEXT, basis TEXT,      -- proof of the lawful basis, as it stood at the claim
  outcome TEXT,                  -- the server's answer, without addresses
  opened_at BIGINT, clicked_at BIGINT, answer TEXT,
  PRIMARY KEY (customer_id, plan, run_no, step, channel)
);
-- What is waiting or in flight; small, whatever was ever sent.
CREATE INDEX message_open ON message (state, try_after, customer_id) WHERE state < 3 OR state = 4;

-- The links and return paths of a message name it by a number: hash of its key (outbox_link_id). clustered
CREATE TABLE link (
  id BIGINT NOT NULL PRIMARY KEY,
  customer_id BIGINT NOT NULL,
  plan TEXT NOT NULL,
  run_no BIGINT NOT NULL,
  step TEXT NOT NULL,
  channel BIGINT NOT NULL
);

-- Voucher codes exist before they are promised. clustered
CREATE TABLE voucher (
  code TEXT NOT NULL PRIMARY KEY,
  customer_id BIGINT NOT NULL,
  plan TEXT NOT NULL, run_no BIGINT NOT NULL, step TEXT NOT NULL,
  pool TEXT NOT NULL,            -- '' : made by us
  percent BIGINT NOT NULL, amount BIGINT NOT NULL, minimum BIGINT NOT NULL,
  valid_from BIGINT, valid_until BIGINT,
  redeemed_at BIGINT, redeemed_order TEXT
);
-- The codes of a pool nobody has yet (customer 0).
CREATE INDEX voucher_free ON voucher (pool, code) WHERE customer_id = 0;

-- Addresses that must not be written to: hard bounces, complaints, oppositions; kept hashed. clustered
CREATE TABLE suppression (
  hash BIGINT NOT NULL,
  channel BIGINT NOT NULL,
  reason TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (hash, channel)
);

-- Ticks: enough to repeat each byte for byte.
CREATE TABLE tick (
  tick BIGINT NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  seq_hi BIGINT NOT NULL,
  settings BIGINT NOT NULL, plans BIGINT NOT NULL, thresholds_day BIGINT NOT NULL,
  tzdata TEXT NOT NULL, engine TEXT NOT NULL,
  decisions BIGINT NOT NULL, trace_sha256 TEXT NOT NULL
);

-- What a tick did, one row a commit, written by that commit: with the facts, enough to decide everything again. kind: 0 the
-- due were asked, 1 smoothing slots given, 2 messages claimed. clustered
CREATE TABLE round (
  tick BIGINT NOT NULL,          -- also of a tick that was cut off: it has no row in tick
  round BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  fresh BIGINT NOT NULL,         -- the first since the program was started
  at BIGINT NOT NULL,
  seq_hi BIGINT NOT NULL,        -- facts known
  hold BIGINT NOT NULL,          -- why nothing may leave; 0
  upto BIGINT NOT NULL,          -- asked: the last customer of the slice; slots: how many were tried
  plans TEXT,                    -- id:on:draining:since of each plan, when it differs from the row before
  claims TEXT,                   -- customer:plan id:run:step:channel of each, in order
  decisions BIGINT NOT NULL, trace_sha256 TEXT NOT NULL,
  PRIMARY KEY (tick, round)
);

-- Saved segments.
CREATE TABLE segment (
  name TEXT NOT NULL PRIMARY KEY,
  text TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

-- Who did what (M6.4); no personal data: ids only.
CREATE TABLE audit (
  audit_id BIGINT NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  object TEXT NOT NULL
);
