-- The key that work was asked for with: the keys of an application take turns, as applications do. '' is work of a task
-- that is gone.
ALTER TABLE due ADD COLUMN credential_id TEXT NOT NULL DEFAULT '';
UPDATE due SET credential_id = coalesce((SELECT credential_id FROM tasks WHERE tasks.id = due.task_id), '');
CREATE INDEX due_key ON due (queue, application_id, credential_id, not_before);

-- The turn in which a key was served last among those of its application in a queue: the lowest is the next.
CREATE TABLE key_turns (
    queue TEXT NOT NULL,
    application_id TEXT NOT NULL REFERENCES applications (id),
    credential_id TEXT NOT NULL,
    served INTEGER NOT NULL,
    PRIMARY KEY (queue, application_id, credential_id)
) STRICT, WITHOUT ROWID;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('due', 'due_key', '10000 2000 100 50 2'),
    ('key_turns', 'key_turns', '400 100 2 1');
ANALYZE sqlite_schema;
