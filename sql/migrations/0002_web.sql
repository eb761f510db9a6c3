-- Who may use the web pages and the HTTP API, and what the pages keep. Passwords are argon2id strings, sessions and keys
-- are kept hashed.
CREATE TABLE account (
  account_id BIGINT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,            -- what one signs in with
  role TEXT NOT NULL,            -- owner, marketer, seller, service, privacy, reader
  locale TEXT NOT NULL,
  password TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX account_name ON account (name);

CREATE TABLE session (
  token_hash TEXT NOT NULL PRIMARY KEY,
  account_id BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);

-- Keys of programs: scopes are read, facts, plans, people, admin, separated by spaces.
CREATE TABLE api_key (
  key_id BIGINT NOT NULL PRIMARY KEY,
  key_hash TEXT NOT NULL,
  name TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

-- A plan edited but not switched on: the next version when it is.
CREATE TABLE plan_draft (
  name TEXT NOT NULL PRIMARY KEY,
  text TEXT NOT NULL,
  saved_at BIGINT NOT NULL
);

-- Asked for on the sign-up form and not confirmed yet (double opt-in). Kept until confirmed or 7 days old.
CREATE TABLE signup (
  signup_id BIGINT NOT NULL PRIMARY KEY,
  email TEXT NOT NULL,
  first_name TEXT NOT NULL,
  locale TEXT NOT NULL,
  wording TEXT NOT NULL,         -- what was agreed to, word by word
  asked_at BIGINT NOT NULL,
  confirmed_at BIGINT
);

-- Search as one types.
CREATE INDEX person_last_name ON person (lower(last_name));
CREATE INDEX person_first_name ON person (lower(first_name));
CREATE INDEX person_email ON person (lower(email));
