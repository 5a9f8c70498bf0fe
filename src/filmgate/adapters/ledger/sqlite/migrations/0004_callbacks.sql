-- What became of each callback, and each delivery that was tried. Both go with the task.

CREATE TABLE callbacks (
    task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    application_id TEXT NOT NULL REFERENCES applications (id),
    status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed', 'superseded', 'skipped')),
    created_at REAL NOT NULL,
    since REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    next_at REAL,
    last_at REAL,
    answer INTEGER,
    trouble TEXT,
    PRIMARY KEY (task_id, state)
) STRICT, WITHOUT ROWID;

CREATE INDEX callbacks_created ON callbacks (application_id, created_at, task_id, state);

CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    task_id TEXT NOT NULL,
    state TEXT NOT NULL,
    at REAL NOT NULL,
    took REAL NOT NULL,
    answer INTEGER,
    trouble TEXT,
    FOREIGN KEY (task_id, state) REFERENCES callbacks (task_id, state) ON DELETE CASCADE
) STRICT;

CREATE INDEX deliveries_callback ON deliveries (task_id, state, id);
CREATE INDEX deliveries_at ON deliveries (at);

-- What signs an application's callbacks has to be here in clear: who can read this file can sign.
CREATE TABLE callback_secrets (
    id INTEGER PRIMARY KEY,
    application_id TEXT NOT NULL REFERENCES applications (id),
    secret BLOB NOT NULL,
    created_at REAL NOT NULL,
    ends_at REAL
) STRICT;

CREATE INDEX callback_secrets_application ON callback_secrets (application_id, id);

INSERT INTO callbacks (task_id, state, application_id, status, created_at, since, tries, next_at)
SELECT d.task_id, d.detail, d.application_id, 'pending', t.updated_at, t.updated_at, d.claims, d.not_before
FROM due AS d JOIN tasks AS t ON t.id = d.task_id WHERE d.kind = 'callback';

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('callbacks', 'callbacks', '1000000 2 1'),
    ('callbacks', 'callbacks_created', '1000000 10000 1 1 1'),
    ('deliveries', 'deliveries_callback', '1000000 2 1 1'),
    ('deliveries', 'deliveries_at', '1000000 1'),
    ('callback_secrets', 'callback_secrets_application', '200 2 1');
ANALYZE sqlite_schema;
