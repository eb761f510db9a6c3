-- Who did what; ids only, no personal data.
-- name: audit_put
INSERT INTO audit (audit_id, at, actor, action, object)
SELECT COALESCE(MAX(audit_id), 0) + 1, CAST(?1 AS BIGINT), CAST(?2 AS TEXT), CAST(?3 AS TEXT), CAST(?4 AS TEXT) FROM audit;
