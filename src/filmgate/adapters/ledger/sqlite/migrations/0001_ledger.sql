-- Times are unix seconds. Ids are lower-case UUIDs. JSON columns hold what msgspec wrote.

CREATE TABLE applications (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    created_at REAL NOT NULL
) STRICT;

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY NOT NULL,
    application_id TEXT NOT NULL REFERENCES applications (id),
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    hint TEXT NOT NULL,
    created_at REAL NOT NULL,
    revoked_at REAL
) STRICT;

CREATE TABLE tasks (
    id TEXT PRIMARY KEY NOT NULL,
    application_id TEXT NOT NULL REFERENCES applications (id),
    credential_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    video_id TEXT NOT NULL,
    dialect TEXT NOT NULL,
    engine TEXT NOT NULL,
    generation TEXT NOT NULL,
    base_url TEXT NOT NULL,
    callback_url TEXT,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'processing', 'completed', 'failed')),
    stage TEXT NOT NULL,
    fence INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    percent INTEGER NOT NULL,
    started_at REAL,
    finished_at REAL,
    deadline_at REAL,
    cancel_requested INTEGER NOT NULL,
    work TEXT,
    output TEXT,
    failure TEXT
) STRICT;

CREATE INDEX tasks_created ON tasks (application_id, created_at, id);
CREATE UNIQUE INDEX tasks_video ON tasks (application_id, video_id);
CREATE INDEX tasks_trace ON tasks (application_id, trace_id);
CREATE INDEX tasks_unfinished ON tasks (application_id, engine, state) WHERE state IN ('pending', 'processing');

CREATE TABLE requests (
    task_id TEXT PRIMARY KEY NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    dialect TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE media (
    token TEXT PRIMARY KEY NOT NULL,
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    etag TEXT NOT NULL,
    facts TEXT NOT NULL,
    application_id TEXT NOT NULL REFERENCES applications (id),
    task_id TEXT REFERENCES tasks (id) ON DELETE CASCADE,
    created_at REAL NOT NULL
) STRICT;

CREATE INDEX media_task ON media (task_id);

-- Work outlives its task: the purge of a deleted task's files is a row here. An id is never given twice.
CREATE TABLE due (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    queue TEXT NOT NULL,
    task_id TEXT NOT NULL,
    application_id TEXT NOT NULL REFERENCES applications (id),
    not_before REAL NOT NULL,
    detail TEXT NOT NULL,
    claimed_by TEXT,
    claims INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX due_next ON due (queue, application_id, not_before);
CREATE UNIQUE INDEX due_task ON due (task_id, kind, detail);

-- The turn in which an application was served last in a queue: the lowest is the next.
CREATE TABLE turns (
    queue TEXT NOT NULL,
    application_id TEXT NOT NULL REFERENCES applications (id),
    served INTEGER NOT NULL,
    PRIMARY KEY (queue, application_id)
) STRICT;

CREATE INDEX turns_served ON turns (queue, served);

-- What the planner cannot know of an empty file: an application has thousands of tasks, and few are unfinished.
ANALYZE;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('applications', 'sqlite_autoindex_applications_1', '100 1'),
    ('applications', 'sqlite_autoindex_applications_2', '100 1'),
    ('tasks', 'sqlite_autoindex_tasks_1', '1000000 1'),
    ('tasks', 'tasks_created', '1000000 10000 1 1'),
    ('tasks', 'tasks_video', '1000000 10000 1'),
    ('tasks', 'tasks_trace', '1000000 10000 2'),
    ('tasks', 'tasks_unfinished', '1000 100 20 10'),
    ('requests', 'sqlite_autoindex_requests_1', '1000000 1'),
    ('media', 'sqlite_autoindex_media_1', '3000000 1'),
    ('media', 'media_task', '3000000 3'),
    ('due', 'due_next', '10000 2000 100 2'),
    ('due', 'due_task', '10000 2 1 1'),
    ('turns', 'sqlite_autoindex_turns_1', '200 50 1'),
    ('turns', 'turns_served', '200 50 1');
ANALYZE sqlite_schema;
