-- name: note_change
-- Give a task the next number.
INSERT OR REPLACE INTO changes (task_id, application_id, deleted_at) VALUES (:task_id, :application_id, :deleted_at)

-- name: drop_noted_deletions
-- Forget deletions that everybody has heard of by now.
DELETE FROM changes WHERE deleted_at < :before

-- name: change_of
-- The number of a task's last change.
SELECT number FROM changes WHERE task_id = :task_id

-- name: last_change
-- The number of the owner's last change.
SELECT max(number) FROM changes WHERE application_id = :application_id

-- name: changes_behind
-- The owner's tasks that have changed since a number, in that order.
SELECT number, task_id FROM changes WHERE application_id = :application_id AND number > :after
ORDER BY number LIMIT :limit
