-- name: aged_tasks
-- Tasks of an application that ended before a time and have nothing due that retains them, behind a place.
SELECT id, created_at FROM tasks AS t
WHERE application_id = :application_id AND created_at < :before AND (created_at, id) > (:after_time, :after_id)
    AND finished_at < :before
    AND NOT EXISTS (SELECT 1 FROM due AS d WHERE d.task_id = t.id AND d.kind IN (SELECT value FROM json_each(:retaining)))
ORDER BY created_at, id LIMIT :limit

-- name: aged_media
-- Files older than a time of no task, or of one that ended before it, oldest first, behind a place.
SELECT m.token, m.created_at, m.task_id, m.key FROM media AS m LEFT JOIN tasks AS t ON t.id = m.task_id
WHERE m.application_id = :application_id AND m.created_at < :before
    AND (m.created_at, m.token) > (:after_time, :after_id) AND (m.task_id IS NULL OR t.finished_at < :before)
ORDER BY m.created_at, m.token LIMIT :limit

-- name: referring
-- What the unfinished tasks of all applications that may refer to something were asked for.
SELECT generation FROM tasks
WHERE {unfinished} AND (
    instr(generation, '"start":') OR instr(generation, '"end":') OR instr(generation, '"guides":')
)

-- name: task_of_file
-- The task that a file is of.
SELECT task_id FROM media WHERE token = :token AND task_id IS NOT NULL

-- name: usable_task
-- A task of an owner whose files were not removed.
SELECT 1 FROM tasks WHERE id = :id AND application_id = :application_id AND output ->> '$.expired_at' IS NULL

-- name: drop_media_of
-- Remove the rows of a task's files.
DELETE FROM media WHERE task_id = :task_id RETURNING token

-- name: expire_output
-- Write down since when the files of a task are gone.
UPDATE tasks SET output = json_set(output, '$.expired_at', :now) WHERE id = :task_id AND output IS NOT NULL

-- name: ends_of
-- Which of some tasks are there, and whether each has ended.
SELECT id, NOT ({unfinished}) FROM tasks WHERE id IN (SELECT value FROM json_each(:ids))

-- name: keys_of_tasks
-- The places of the files of some tasks.
SELECT key FROM media WHERE task_id IN (SELECT value FROM json_each(:ids))

-- name: keys_of_uploads
-- Which of some places have a file of no task; the planner takes those for few.
SELECT key FROM media INDEXED BY media_key
WHERE task_id IS NULL AND key IN (SELECT value FROM json_each(:keys))
