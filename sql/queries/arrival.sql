-- What was told and is not among the facts yet (app/arrival.h).

-- name: arrival_newest
SELECT coalesce(max(n), 0) FROM (SELECT max(id) AS n FROM arrival
  UNION ALL SELECT CAST(value AS BIGINT) FROM shop WHERE name = 'arrival.applied') AS numbers;

-- name: arrival_put
INSERT INTO arrival (id, at, facts, body) VALUES (?1, ?2, ?3, ?4);

-- name: arrival_next
SELECT id, at, facts, body FROM arrival WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT 1;

-- name: arrival_delete
DELETE FROM arrival WHERE id <= ?1;

-- name: arrivals_waiting
SELECT coalesce(sum(facts), 0), coalesce(max(id), 0), coalesce(min(at), 0) FROM arrival;

-- name: arrival_applied
SELECT CAST(value AS BIGINT) FROM shop WHERE name = 'arrival.applied';
