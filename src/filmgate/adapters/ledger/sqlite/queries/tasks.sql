-- name: task_columns
-- In the order of the fields of Task.
id, application_id, credential_id, user_id, trace_id, video_id, dialect, engine, generation, base_url, callback_url,
created_at, updated_at, state, stage, fence, attempts, percent, started_at, finished_at, deadline_at, cancel_requested,
work, output, failure, upstream_id

-- name: unfinished
-- Holds for a task without an end; word for word the condition of the index of unfinished tasks.
state IN ('pending', 'processing')

-- name: get_task
-- One task of its owner.
SELECT {task_columns} FROM tasks WHERE id = :id AND application_id = :application_id

-- name: get_tasks
-- The owner's tasks among many ids. With the plus they are searched by id, whatever the statistics say.
SELECT {task_columns} FROM tasks
WHERE +application_id = :application_id AND id IN (SELECT value FROM json_each(:ids))

-- name: task_by_video
-- The owner's task that made a video.
SELECT {task_columns} FROM tasks WHERE application_id = :application_id AND video_id = :video_id

-- name: task_by_trace
-- The owner's newest task under a trace id.
SELECT {task_columns} FROM tasks WHERE application_id = :application_id AND trace_id = :trace_id
ORDER BY created_at DESC, id DESC LIMIT 1

-- name: find_tasks
-- A list of tasks; find_owner, the find_if that apply and an order follow.
SELECT {task_columns} FROM tasks WHERE

-- name: find_tasks_of_traces
-- The same where several trace ids are given. The order of the join keeps their tasks searched, whatever the statistics.
SELECT {task_columns} FROM {traced} WHERE

-- name: find_places_of_traces
-- The places of tasks under several trace ids.
SELECT created_at, id FROM {traced} WHERE

-- name: traced
-- The tasks under some trace ids.
(SELECT value AS trace FROM json_each(:trace_ids)) CROSS JOIN tasks ON trace_id = trace

-- name: find_places
-- The places of tasks in a list; an owner and the find_if that apply follow.
SELECT created_at, id FROM tasks WHERE

-- name: count_places
-- How many places there are, which follow in parentheses and end with count_most.
SELECT count(*) FROM

-- name: count_most
-- No more is counted than this.
LIMIT :most

-- name: find_placed
-- The tasks of a page of places, which follow in parentheses; then find_placed_newest or find_placed_oldest.
WITH page (at, place) AS MATERIALIZED

-- name: find_placed_newest
-- Newest first.
SELECT {task_columns} FROM page CROSS JOIN tasks ON id = place ORDER BY at DESC, place DESC

-- name: find_placed_oldest
-- Oldest first.
SELECT {task_columns} FROM page CROSS JOIN tasks ON id = place ORDER BY at, place

-- name: find_owner
-- Every list is of one owner.
application_id = :application_id

-- name: find_owner_of_ids
-- The same where ids are given. With the plus the tasks are searched by id, whatever the statistics say.
+application_id = :application_id

-- name: find_if_ids
-- Tasks with one of these ids.
AND id IN (SELECT value FROM json_each(:ids))

-- name: find_if_trace_id
-- Tasks under this trace id.
AND trace_id = :trace_id

-- name: find_if_user_id
-- Tasks of one user.
AND user_id = :user_id

-- name: find_if_created_min
-- Tasks not older than this.
AND created_at >= :created_min

-- name: find_if_created_max
-- Tasks not younger than this.
AND created_at <= :created_max

-- name: find_behind_newest
-- Tasks that come behind a place in the order of the newest first.
AND (created_at, id) < (:after_time, :after_id)

-- name: find_behind_oldest
-- Tasks that come behind a place in the order of the oldest first.
AND (created_at, id) > (:after_time, :after_id)

-- name: find_newest
-- Newest first, one page.
ORDER BY created_at DESC, id DESC LIMIT :limit OFFSET :offset

-- name: find_oldest
-- Oldest first, one page.
ORDER BY created_at, id LIMIT :limit OFFSET :offset

-- name: count_unfinished
-- The unfinished tasks by engine and state.
SELECT engine, state, count(*) FROM tasks WHERE {unfinished} GROUP BY engine, state

-- name: count_unfinished_up_to
-- The application's unfinished tasks, counted no further than a limit.
SELECT count(*) FROM (SELECT 1 FROM tasks WHERE application_id = :application_id AND {unfinished} LIMIT :limit) AS few

-- name: unfinished_of_key
-- The application's unfinished tasks that one of its keys submitted, and how many other good keys it has.
SELECT
    (SELECT count(*) FROM tasks
        WHERE application_id = :application_id AND {unfinished} AND credential_id = :credential_id),
    (SELECT count(*) FROM api_keys
        WHERE application_id = :application_id AND revoked_at IS NULL AND id != :credential_id)

-- name: add_task
-- Write an accepted task.
INSERT INTO tasks ({task_columns})
VALUES (:id, :application_id, :credential_id, :user_id, :trace_id, :video_id, :dialect, :engine, :generation,
    :base_url, :callback_url, :created_at, :updated_at, :state, :stage, :fence, :attempts, :percent, :started_at,
    :finished_at, :deadline_at, :cancel_requested, :work, :output, :failure, :upstream_id)

-- name: add_echo
-- Write the body of a submit beside its task.
INSERT INTO requests (task_id, dialect, body) VALUES (:task_id, :dialect, :body)

-- name: echoes
-- The submit bodies of many tasks; the caller has checked the owner.
SELECT task_id, dialect, body FROM requests WHERE task_id IN (SELECT value FROM json_each(:ids))

-- name: change_task
-- Compare and set: what is NULL here stays, for a change sets nothing to NULL.
UPDATE tasks SET
    updated_at = :now,
    state = coalesce(:state, state),
    stage = coalesce(:stage, stage),
    attempts = coalesce(:attempts, attempts),
    percent = coalesce(:percent, percent),
    started_at = coalesce(:started_at, started_at),
    finished_at = coalesce(:finished_at, finished_at),
    deadline_at = coalesce(:deadline_at, deadline_at),
    work = coalesce(:work, work),
    output = coalesce(:output, output),
    failure = coalesce(:failure, failure),
    engine = coalesce(:engine, engine),
    upstream_id = coalesce(:upstream_id, upstream_id),
    fence = fence + :seize
WHERE id = :task_id AND fence = :fence AND {unfinished}
RETURNING {task_columns}

-- name: cancel_task
-- End an unfinished task by its owner's will; the raised fence shuts out whoever works on it.
UPDATE tasks SET
    state = 'failed', stage = 'done', fence = fence + 1, cancel_requested = 1, failure = :failure,
    finished_at = :now, updated_at = :now
WHERE id = :id AND application_id = :application_id AND {unfinished}
RETURNING {task_columns}

-- name: fence_task
-- Give an unfinished task to whoever claims it now.
UPDATE tasks SET fence = fence + 1 WHERE id = :id AND application_id = :application_id AND {unfinished}
RETURNING {task_columns}

-- name: delete_task
-- Remove a task of its owner; its echo and media rows go with it.
DELETE FROM tasks WHERE id = :id AND application_id = :application_id RETURNING {task_columns}

-- name: add_departed
-- Remember that the owner has deleted a task that a provider had made.
INSERT INTO departed (application_id, task_id) VALUES (:application_id, :id) ON CONFLICT DO NOTHING

-- name: departed
-- Whether the owner has deleted a task that a provider had made.
SELECT 1 FROM departed WHERE application_id = :application_id AND task_id = :id

-- name: count_at_provider
-- The tasks of an engine in some stages.
SELECT count(*) FROM tasks
WHERE engine = :engine AND stage IN (SELECT value FROM json_each(:stages)) AND {unfinished}

-- name: count_held_before
-- The tasks of an engine in a stage that were submitted before a time.
SELECT count(*) FROM tasks
WHERE engine = :engine AND stage = :stage AND work ->> '$.asked.at' < :since AND {unfinished}

-- name: unknown_submits
-- The tasks in a stage, whoever owns them, oldest first.
SELECT {task_columns} FROM tasks WHERE stage = :stage AND {unfinished} ORDER BY created_at, id
