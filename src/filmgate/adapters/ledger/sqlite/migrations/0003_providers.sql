-- Tasks that a provider makes have its id; it belongs to one task of the account.

ALTER TABLE tasks ADD COLUMN upstream_id TEXT;

CREATE UNIQUE INDEX tasks_upstream ON tasks (engine, upstream_id) WHERE upstream_id IS NOT NULL;
CREATE INDEX tasks_stage ON tasks (engine, state, stage) WHERE state IN ('pending', 'processing');

-- Tasks of providers that their owner has deleted: nobody who asks for one brings it back.
CREATE TABLE departed (
    application_id TEXT NOT NULL REFERENCES applications (id),
    task_id TEXT NOT NULL,
    PRIMARY KEY (application_id, task_id)
) STRICT, WITHOUT ROWID;

-- The next work of a queue, whoever owns it.
CREATE INDEX due_queue ON due (queue, not_before);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('tasks', 'tasks_upstream', '100000 10000 1'),
    ('tasks', 'tasks_stage', '1000 200 100 50'),
    ('due', 'due_queue', '10000 2000 2');
ANALYZE sqlite_schema;
