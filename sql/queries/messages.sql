-- The newest text of each path that was saved, but for those given back.
-- name: message_texts
SELECT m.path, m.text FROM message_text m
WHERE m.version = (SELECT max(n.version) FROM message_text n WHERE n.path = m.path) AND m.text <> '' ORDER BY m.path;

-- name: message_revision
SELECT count(*) FROM message_text;

-- name: message_history
SELECT version, saved_at, actor, text FROM message_text WHERE path = ?1 ORDER BY version DESC LIMIT ?2;

-- name: message_save
INSERT INTO message_text (path, version, text, saved_at, actor)
VALUES (?1, (SELECT coalesce(max(version), 0) + 1 FROM message_text WHERE path = ?1), ?2, ?3, ?4);
