-- What an application may use and how long what it made is kept, where it has rules of its own; NULL is that of all.
CREATE TABLE limits (
    application_id TEXT PRIMARY KEY NOT NULL REFERENCES applications (id),
    task_days REAL,
    media_days REAL,
    media_bytes INTEGER,
    credits REAL,
    credits_per TEXT
) STRICT, WITHOUT ROWID;

-- What was submitted and has ended on each day, such as 2026-11-22, in UTC. It outlives the tasks.
CREATE TABLE usage (
    application_id TEXT NOT NULL REFERENCES applications (id),
    day TEXT NOT NULL,
    submitted INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    seconds REAL NOT NULL,
    bytes INTEGER NOT NULL,
    credits REAL NOT NULL,
    PRIMARY KEY (application_id, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE failures (
    application_id TEXT NOT NULL REFERENCES applications (id),
    day TEXT NOT NULL,
    code TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (application_id, day, code)
) STRICT, WITHOUT ROWID;

-- What an application holds: kept by triggers, so that it is right whichever way a file's row comes and goes.
CREATE TABLE held (
    application_id TEXT PRIMARY KEY NOT NULL REFERENCES applications (id),
    files INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER media_added AFTER INSERT ON media BEGIN
    INSERT INTO held (application_id, files, bytes) VALUES (new.application_id, 1, new.bytes)
    ON CONFLICT (application_id) DO UPDATE SET files = files + 1, bytes = bytes + excluded.bytes;
END;

CREATE TRIGGER media_removed AFTER DELETE ON media BEGIN
    UPDATE held SET files = files - 1, bytes = bytes - old.bytes WHERE application_id = old.application_id;
END;

-- The oldest files of an application, and the files of no task by their place.
CREATE INDEX media_age ON media (application_id, created_at, token);
CREATE INDEX media_key ON media (key) WHERE task_id IS NULL;

-- What happened before is counted from the tasks that are still there.
INSERT INTO held (application_id, files, bytes) SELECT application_id, count(*), sum(bytes) FROM media GROUP BY 1;

INSERT INTO usage (application_id, day, submitted, completed, failed, cancelled, seconds, bytes, credits)
SELECT application_id, day, sum(submitted), sum(completed), sum(failed), sum(cancelled), sum(seconds), sum(bytes),
    round(sum(credits), 6)
FROM (
    SELECT application_id, date(created_at, 'unixepoch') AS day, 1 AS submitted, 0 AS completed, 0 AS failed,
        0 AS cancelled, 0.0 AS seconds, 0 AS bytes,
        CASE WHEN state = 'failed' AND NOT (
            failure ->> '$.code' = 'cancelled' AND cancel_requested AND started_at IS NOT NULL
        ) THEN 0.0 ELSE coalesce(work ->> '$.credits', 0.0) END AS credits
    FROM tasks
    UNION ALL
    SELECT application_id, date(coalesce(finished_at, updated_at), 'unixepoch'), 0, state = 'completed',
        state = 'failed' AND failure ->> '$.code' <> 'cancelled',
        state = 'failed' AND failure ->> '$.code' = 'cancelled',
        coalesce(output ->> '$.video.facts.duration', 0.0),
        coalesce(output ->> '$.video.bytes', 0) + coalesce(output ->> '$.image.bytes', 0)
            + coalesce(output ->> '$.thumbnail.bytes', 0) + coalesce(output ->> '$.last_frame.bytes', 0),
        0.0
    FROM tasks WHERE state IN ('completed', 'failed')
) GROUP BY 1, 2;

INSERT INTO failures (application_id, day, code, count)
SELECT application_id, date(coalesce(finished_at, updated_at), 'unixepoch'), failure ->> '$.code', count(*)
FROM tasks WHERE state = 'failed' AND failure ->> '$.code' <> 'cancelled' GROUP BY 1, 2, 3;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('limits', 'limits', '100 1'),
    ('usage', 'usage', '40000 400 1'),
    ('failures', 'failures', '100000 1000 4 1'),
    ('held', 'held', '100 1'),
    ('media', 'media_age', '3000000 30000 1 1'),
    ('media', 'media_key', '10000 1');
ANALYZE sqlite_schema;
