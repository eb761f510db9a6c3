-- Objectives: what is to be reached by whom, and in which months. Nothing of what was reached is kept: it is counted.
CREATE TABLE objective (
  objective_id BIGINT NOT NULL PRIMARY KEY,
  scope TEXT NOT NULL,           -- shop, team, person, plan
  name TEXT NOT NULL,            -- the team, the seller, the plan; '' for the shop
  measure TEXT NOT NULL,         -- revenue, orders, volume, conversion
  first_month BIGINT NOT NULL,   -- year × 12 + month − 1
  months BIGINT NOT NULL,        -- 1, 3, 12
  target BIGINT NOT NULL,        -- minor units, orders, articles, thousandths of a per cent
  members TEXT NOT NULL,         -- of a team: its sellers, one a line; '': the store of that name
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX objective_of ON objective (scope, name, measure, first_month, months);

-- The monthly report by mail: written before it leaves, so that no month is sent twice. State: 0 sending, 1 accepted,
-- 2 refused, 3 uncertain, 4 deferred. clustered
CREATE TABLE report_mail (
  month BIGINT NOT NULL,         -- year × 12 + month − 1
  recipient BIGINT NOT NULL,     -- keyed hash of the address
  state BIGINT NOT NULL,
  at BIGINT NOT NULL,
  outcome TEXT NOT NULL,         -- the server's answer, without addresses
  PRIMARY KEY (month, recipient)
);
