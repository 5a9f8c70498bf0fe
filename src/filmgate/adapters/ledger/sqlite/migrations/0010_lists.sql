-- Lists by state, by user and by trace id are read in their order, so that a page costs a page.
CREATE INDEX tasks_state ON tasks (application_id, state, created_at, id);
CREATE INDEX tasks_user ON tasks (application_id, user_id, created_at, id);
DROP INDEX tasks_trace;
CREATE INDEX tasks_trace ON tasks (application_id, trace_id, created_at, id);
CREATE INDEX callbacks_status ON callbacks (application_id, status, created_at, task_id, state);

-- What is unfinished of an application is found by state now.
DROP INDEX tasks_unfinished;

DELETE FROM sqlite_stat1 WHERE idx IN ('tasks_trace', 'tasks_unfinished');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('tasks', 'tasks_state', '1000000 10000 2500 1 1'),
    ('tasks', 'tasks_user', '1000000 10000 5000 1 1'),
    ('tasks', 'tasks_trace', '1000000 10000 2 1 1'),
    ('callbacks', 'callbacks_status', '1000000 10000 2500 1 1 1');
ANALYZE sqlite_schema;
