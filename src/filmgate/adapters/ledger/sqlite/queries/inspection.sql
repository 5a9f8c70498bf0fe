-- name: purged_tasks
-- The tasks whose files are to be removed.
SELECT task_id FROM due WHERE kind = :kind

-- name: overdue_work
-- Work that has been due for long and that nobody has taken, by queue.
SELECT queue, count(*), min(not_before) FROM due INDEXED BY due_queue
WHERE not_before > 0 AND not_before < :before AND claimed_by IS NULL GROUP BY queue

-- name: late_tasks
-- How many unfinished tasks are behind their deadline.
SELECT count(*) FROM tasks WHERE {unfinished} AND deadline_at < :before

-- name: engines_at_work
-- The engines that have unfinished tasks, with their number.
SELECT engine, count(*) FROM tasks WHERE {unfinished} GROUP BY engine
