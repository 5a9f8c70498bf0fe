-- Files that no task owns are listed by their owner, newest first.

CREATE INDEX media_uploads ON media (application_id, created_at, token) WHERE task_id IS NULL;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('media', 'media_uploads', '10000 100 1 1');
ANALYZE sqlite_schema;
