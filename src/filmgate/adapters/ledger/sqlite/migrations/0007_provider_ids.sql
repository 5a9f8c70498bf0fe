-- What providers call tasks. An id belongs to one task of its origin (scheme, host, port), whatever the engine, and is
-- remembered for some time after its task is gone: until `forget_at`, which is NULL while the task is there.
CREATE TABLE provider_ids (
    origin TEXT NOT NULL,
    id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    application_id TEXT NOT NULL REFERENCES applications (id),
    forget_at REAL,
    PRIMARY KEY (origin, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX provider_ids_task ON provider_ids (task_id);
CREATE INDEX provider_ids_forgotten ON provider_ids (forget_at) WHERE forget_at IS NOT NULL;

-- The origin of each engine that was ever configured.
CREATE TABLE provider_origins (
    engine TEXT PRIMARY KEY NOT NULL,
    origin TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Where an engine's provider is, only the configuration knows: until the service starts, each engine is an origin of
-- its own.
INSERT INTO provider_ids (origin, id, task_id, application_id)
SELECT 'engine:' || engine, upstream_id, id, application_id FROM tasks WHERE upstream_id IS NOT NULL;

INSERT INTO provider_ids (origin, id, task_id, application_id, forget_at)
SELECT 'engine:' || substr(queue, length('recall:') + 1), detail, task_id, application_id,
    CASE WHEN EXISTS (SELECT 1 FROM tasks AS t WHERE t.id = due.task_id) THEN NULL ELSE unixepoch() + 7776000.0 END
FROM due WHERE kind = 'recall'
ON CONFLICT DO NOTHING;

DROP INDEX tasks_upstream;
DELETE FROM sqlite_stat1 WHERE idx = 'tasks_upstream';

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('provider_ids', 'provider_ids', '100000 10000 1'),
    ('provider_ids', 'provider_ids_task', '100000 1 1 1'),
    ('provider_ids', 'provider_ids_forgotten', '10000 1 1 1'),
    ('provider_origins', 'provider_origins', '20 1');
ANALYZE sqlite_schema;
