-- What was told over HTTP and is not among the facts yet, in order of arrival: kept before it is answered, read into the
-- facts right behind and deleted by the same transaction. facts: how many it holds. body: app/arrival.h; it may name people.
CREATE TABLE arrival (
  id BIGINT NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  facts BIGINT NOT NULL,
  body TEXT NOT NULL
);
