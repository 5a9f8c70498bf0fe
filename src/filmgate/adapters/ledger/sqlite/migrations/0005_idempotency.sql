-- A submit that may be sent again: what it is known by, the task it is about, and until when.
-- It outlives its task, so that sending it again does not bring back what was deleted.
CREATE TABLE submits (
    task_id TEXT PRIMARY KEY NOT NULL,
    application_id TEXT NOT NULL REFERENCES applications (id),
    credential_id TEXT NOT NULL,
    digest BLOB NOT NULL,
    key TEXT,
    tries INTEGER NOT NULL,
    expires_at REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX submits_key ON submits (application_id, key) WHERE key IS NOT NULL;
CREATE INDEX submits_digest ON submits (credential_id, digest, expires_at) WHERE key IS NULL;
CREATE INDEX submits_expired ON submits (expires_at);

-- The number of each task's last change. Numbers grow with every change of any task and are never given twice, so they
-- order changes whatever the clock does. A deleted task has a row for some time.
CREATE TABLE changes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT NOT NULL UNIQUE,
    application_id TEXT NOT NULL REFERENCES applications (id),
    deleted_at REAL
) STRICT;

CREATE INDEX changes_owner ON changes (application_id, number);
CREATE INDEX changes_deleted ON changes (deleted_at) WHERE deleted_at IS NOT NULL;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('submits', 'submits', '100000 1'),
    ('submits', 'submits_key', '100000 1000 1'),
    ('submits', 'submits_digest', '10000 100 1 1'),
    ('submits', 'submits_expired', '100000 1'),
    ('changes', 'sqlite_autoindex_changes_1', '1000000 1'),
    ('changes', 'changes_owner', '1000000 10000 1'),
    ('changes', 'changes_deleted', '1000 1');
ANALYZE sqlite_schema;
