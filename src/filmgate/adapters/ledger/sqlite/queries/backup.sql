-- name: files_behind
-- Some stored files behind a place, with it, their keys and their bytes.
SELECT rowid, key, bytes FROM media WHERE rowid > :after ORDER BY rowid LIMIT :limit

-- name: files_changed
-- The files of the tasks that have changed since a number, and all that no task owns.
SELECT m.key, m.bytes FROM changes AS few JOIN media AS m ON m.task_id = few.task_id WHERE few.number > :after
UNION ALL
SELECT key, bytes FROM media INDEXED BY media_uploads WHERE task_id IS NULL

-- name: work_in_progress
-- What the work on unfinished tasks has committed: it names files that have no links.
SELECT work FROM tasks WHERE work IS NOT NULL AND {unfinished}

-- name: files_with_digests
-- Some stored files behind a place, with it, their keys, bytes and digests.
SELECT rowid, key, bytes, etag FROM media WHERE rowid > :after ORDER BY rowid LIMIT :limit

-- name: waiting_for_provider
-- The unfinished tasks that have not been submitted, as far as is known here.
SELECT id, engine, work FROM tasks WHERE stage = 'submit' AND {unfinished}

-- name: doubt_submit
-- Treat a task as one whose submit has no known outcome.
UPDATE tasks SET stage = 'submit_unknown', state = 'processing', started_at = coalesce(started_at, :now),
    deadline_at = :deadline, updated_at = :now, fence = fence + 1, work = :work
WHERE id = :id

-- name: doubt_limit
-- Let its limit be its deadline from now on.
UPDATE due SET not_before = (SELECT deadline_at FROM tasks WHERE id = :id) WHERE task_id = :id AND kind = :kind

-- name: doubt_step
-- Have it looked up at once.
UPDATE due SET queue = :queue, not_before = 0, claimed_by = NULL WHERE task_id = :id AND kind = :kind

-- name: leap
-- Leave out many numbers of changes: those that were given after the backup are not given twice.
UPDATE sqlite_sequence SET seq = seq + 1000000000 WHERE name = 'changes'
