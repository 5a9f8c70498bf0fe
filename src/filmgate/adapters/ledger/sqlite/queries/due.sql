-- name: put_due
-- Make work due; work of this name that is there already becomes due anew, also if somebody has it.
INSERT INTO due (kind, queue, task_id, application_id, credential_id, not_before, detail)
VALUES (
    :kind, :queue, :task_id, :application_id,
    coalesce((SELECT t.credential_id FROM tasks AS t WHERE t.id = :task_id), ''), :not_before, :detail
)
ON CONFLICT (task_id, kind, detail) DO UPDATE SET
    queue = excluded.queue, not_before = excluded.not_before, claimed_by = NULL

-- name: next_claim
-- Work of the application that was served least recently in this queue, of those that have any due.
WITH RECURSIVE turn (application_id) AS (
    SELECT a.id FROM applications AS a
    WHERE EXISTS (
        SELECT 1 FROM due AS d WHERE d.queue = :queue AND d.application_id = a.id AND d.not_before <= :now
    )
    ORDER BY {served}, a.id LIMIT 1
), {next_of_turn}

-- name: next_shared_claim
-- The same of those applications that have claimed less than their share.
WITH RECURSIVE turn (application_id) AS (
    SELECT a.id FROM applications AS a
    WHERE EXISTS (
        SELECT 1 FROM due AS d WHERE d.queue = :queue AND d.application_id = a.id AND d.not_before <= :now
    ) AND {claimed_of} < :share
    ORDER BY {served}, a.id LIMIT 1
), {next_of_turn}

-- name: next_of_turn
-- The earliest due work of that key of the application which was served least recently, of those that have any due.
-- Each step finds the next key in the index: its work is not read. Without the plus SQLite makes a join of EXISTS here,
-- which does read all of it.
keys (id) AS (
    SELECT (
        SELECT d.credential_id FROM due AS d WHERE d.queue = :queue AND d.application_id = turn.application_id
        ORDER BY d.credential_id LIMIT 1
    ) FROM turn
    UNION ALL
    SELECT (
        SELECT d.credential_id FROM due AS d
        WHERE d.queue = :queue AND d.application_id = turn.application_id AND d.credential_id > keys.id
        ORDER BY d.credential_id LIMIT 1
    ) FROM keys CROSS JOIN turn WHERE keys.id IS NOT NULL
)
SELECT id, kind, queue, task_id, application_id, not_before, detail, claims, claimed_by FROM due
WHERE queue = :queue AND not_before <= :now AND application_id = (SELECT application_id FROM turn) AND credential_id = (
    SELECT k.id FROM turn CROSS JOIN keys AS k LEFT JOIN key_turns AS t
        ON t.queue = :queue AND t.application_id = turn.application_id AND t.credential_id = k.id
    WHERE +EXISTS (
        SELECT 1 FROM due AS d
        WHERE d.queue = :queue AND d.application_id = turn.application_id AND d.credential_id = k.id
            AND d.not_before <= :now
    )
    ORDER BY coalesce(t.served, 0), k.id LIMIT 1
)
ORDER BY not_before, id LIMIT 1

-- name: served
-- When an application was served last in a queue.
coalesce((SELECT t.served FROM turns AS t WHERE t.queue = :queue AND t.application_id = a.id), 0)

-- name: claimed_of
-- How much work of a queue is claimed of an application: a claim is due again only when its lease is over.
(SELECT count(*) FROM due AS c
 WHERE c.queue = :queue AND c.application_id = a.id AND c.not_before > :now AND c.claimed_by IS NOT NULL)

-- name: claim_due
-- Give work to a worker until its lease ends.
UPDATE due SET claimed_by = :worker, not_before = :until, claims = claims + 1 WHERE id = :id

-- name: renew_due
-- Let the lease of a claim end later, if the work is still this claim's.
UPDATE due SET not_before = :until WHERE id = :id AND claims = :claims AND claimed_by IS NOT NULL

-- name: serve_application
-- Send the application to the end of the queue's line.
INSERT INTO turns (queue, application_id, served)
VALUES (:queue, :application_id, (SELECT coalesce(max(t.served), 0) + 1 FROM turns AS t WHERE t.queue = :queue))
ON CONFLICT (queue, application_id) DO UPDATE SET served = excluded.served

-- name: serve_key
-- Send the key of claimed work to the end of its application's line.
INSERT INTO key_turns (queue, application_id, credential_id, served)
SELECT d.queue, d.application_id, d.credential_id, (
    SELECT coalesce(max(t.served), 0) + 1 FROM key_turns AS t
    WHERE t.queue = d.queue AND t.application_id = d.application_id
) FROM due AS d WHERE d.id = :id
ON CONFLICT (queue, application_id, credential_id) DO UPDATE SET served = excluded.served

-- name: next_due
-- When the earliest work of a queue is due.
SELECT min(not_before) FROM due WHERE queue = :queue

-- name: next_shared_due
-- The same of those applications that have claimed less than their share.
SELECT min((SELECT min(d.not_before) FROM due AS d WHERE d.queue = :queue AND d.application_id = a.id))
FROM applications AS a WHERE {claimed_of} < :share

-- name: next_attempts
-- When the next stages of some tasks are due that nobody works on.
SELECT task_id, not_before FROM due
WHERE task_id IN (SELECT value FROM json_each(:ids)) AND kind = :kind AND detail = '' AND claimed_by IS NULL

-- name: postpone_due
-- Give work back, if it is still this claim's.
UPDATE due SET claimed_by = NULL, not_before = :not_before
WHERE id = :id AND claims = :claims AND claimed_by IS NOT NULL
RETURNING id

-- name: finish_due
-- Remove work that is done, if it is still this claim's.
DELETE FROM due WHERE id = :id AND claims = :claims AND claimed_by IS NOT NULL RETURNING id

-- name: release_due
-- End the leases of a worker: its work is due at once, before whatever waits in line.
-- Earlier versions wrote the number of the process behind its name.
UPDATE due SET claimed_by = NULL, not_before = 0 WHERE claimed_by = :worker OR claimed_by GLOB :worker || '-[0-9]*'
RETURNING id

-- name: drop_due
-- Remove one row of work.
DELETE FROM due WHERE id = :id AND task_id = :task_id

-- name: drop_kind
-- Remove the work of one kind for a task.
DELETE FROM due WHERE task_id = :task_id AND kind = :kind

-- name: drop_task_due
-- Remove all work for a task but the kinds that outlive it.
DELETE FROM due WHERE task_id = :task_id AND kind NOT IN (SELECT value FROM json_each(:outliving))

-- name: move_due
-- Some kinds and all leases move with the clock; what waits for its time does so only if the clock was set back.
UPDATE due SET not_before = not_before + :by
WHERE kind IN (SELECT value FROM json_each(:clocked)) OR claimed_by IS NOT NULL OR :by < 0

-- name: move_deadlines
-- The deadlines of all unfinished tasks move with the clock.
UPDATE tasks SET deadline_at = deadline_at + :by WHERE deadline_at IS NOT NULL AND {unfinished}
