-- name: standing_tasks
-- The unfinished tasks by engine, state and stage.
SELECT engine, state, stage, count(*) FROM tasks WHERE {unfinished} GROUP BY engine, state, stage

-- name: standing_work
-- The work of each queue: due, all and taken, and since when; what was released has no time of its own.
-- A row is read only if its time may be the end of a lease, for the index does not say who has it.
SELECT queue, count(*) FILTER (WHERE not_before <= :now), count(*),
    count(*) FILTER (WHERE not_before > :now AND not_before <= :now + :lease AND claimed_by IS NOT NULL),
    min(not_before) FILTER (WHERE not_before > 0 AND not_before <= :now)
FROM due INDEXED BY due_queue GROUP BY queue

-- name: standing_callbacks
-- The callbacks that are still to be delivered: those that were never tried, and the others.
SELECT count(*) FILTER (WHERE c.tries = 0), count(*) FILTER (WHERE c.tries > 0)
FROM due AS d JOIN callbacks AS c ON c.task_id = d.task_id AND c.state = d.detail WHERE d.queue = :queue

-- name: ended_behind
-- Some changes behind a number, with the tasks that have ended by them.
SELECT few.number, t.engine, t.state, t.failure ->> 'code', t.started_at - t.created_at, t.finished_at - t.created_at
FROM (SELECT number, task_id FROM changes WHERE number > :after ORDER BY number LIMIT :limit) AS few
LEFT JOIN tasks AS t ON t.id = few.task_id AND t.state IN ('completed', 'failed')
ORDER BY few.number

-- name: last_change_of_all
-- The number of the last change.
SELECT max(number) FROM changes

-- name: held_behind
-- Some files behind a place: how many, their bytes, and the last one's place.
SELECT count(*), total(bytes), max(place)
FROM (SELECT rowid AS place, bytes FROM media WHERE rowid > :after ORDER BY rowid LIMIT :limit)
