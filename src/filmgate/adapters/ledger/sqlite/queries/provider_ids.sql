-- name: origin
-- The origin of an engine's provider; an engine that was never configured is an origin of its own.
coalesce((SELECT o.origin FROM provider_origins AS o WHERE o.engine = :engine), 'engine:' || :engine)

-- name: neighbours
-- This engine, and those that have the same provider.
SELECT :engine AS engine UNION SELECT near.engine FROM provider_origins AS own
JOIN provider_origins AS near ON near.origin = own.origin WHERE own.engine = :engine

-- name: set_origin
-- Remember where the provider of an engine is.
INSERT INTO provider_origins (engine, origin) VALUES (:engine, :origin)
ON CONFLICT (engine) DO UPDATE SET origin = excluded.origin WHERE origin <> excluded.origin

-- name: settle_origin
-- Give ids that were written before the origin of their engine was known that origin; what is taken there stays behind.
UPDATE OR IGNORE provider_ids SET origin = :origin WHERE origin = 'engine:' || :engine

-- name: add_provider_id
-- Give an id of a provider to a task; no row if another task has it, or had it a short time ago.
INSERT INTO provider_ids (origin, id, task_id, application_id, forget_at)
VALUES ({origin}, :upstream_id, :task_id, :application_id,
    CASE WHEN EXISTS (SELECT 1 FROM tasks AS t WHERE t.id = :task_id) THEN NULL ELSE :forget_at END)
ON CONFLICT (origin, id) DO UPDATE SET forget_at = excluded.forget_at
WHERE task_id = excluded.task_id AND application_id = excluded.application_id
RETURNING task_id

-- name: release_provider_ids
-- Remember the ids of a task that is gone until a time.
UPDATE provider_ids SET forget_at = :forget_at WHERE task_id = :task_id AND forget_at IS NULL

-- name: forget_provider_ids
-- Forget some of the ids whose time is over; each new one removes more than it adds.
DELETE FROM provider_ids WHERE (origin, id) IN (
    SELECT origin, id FROM provider_ids WHERE forget_at <= :now ORDER BY forget_at LIMIT :limit
)

-- name: known_upstream
-- Which of many ids of a provider are known, with the task that each is of.
SELECT id, task_id FROM provider_ids WHERE origin = {origin} AND id IN (SELECT value FROM json_each(:ids))

-- name: open_submits
-- The unfinished tasks in some stages of all engines with one provider.
SELECT id, generation FROM tasks
WHERE engine IN ({neighbours}) AND stage IN (SELECT value FROM json_each(:stages)) AND {unfinished}

-- name: sought_submits
-- The submits of tasks that have ended which are still looked for at one provider.
SELECT task_id, detail FROM due INDEXED BY due_queue
WHERE queue IN (SELECT :queue || ':' || engine FROM ({neighbours})) AND kind = :kind
