-- name: callback_columns
-- In the order of the fields of Callback.
c.task_id, c.state, c.application_id, t.callback_url, c.status, c.created_at, c.since, c.tries, c.next_at, c.last_at,
c.answer, c.trouble

-- name: add_callback
-- Write down that a state of a task is to be told, from the first try on; nothing for a task that is gone.
INSERT INTO callbacks (task_id, state, application_id, status, created_at, since, next_at)
SELECT id, :detail, application_id, 'pending', :not_before, :not_before, :not_before FROM tasks WHERE id = :task_id
ON CONFLICT (task_id, state) DO UPDATE SET
    status = 'pending', since = excluded.since, next_at = excluded.next_at, tries = 0

-- name: get_callback
-- One callback of its owner.
SELECT {callback_columns} FROM callbacks AS c JOIN tasks AS t ON t.id = c.task_id
WHERE c.task_id = :task_id AND c.state = :state AND c.application_id = :application_id

-- name: find_callbacks
-- A list of callbacks; callbacks_owner, the callbacks_if that apply and callbacks_newest follow.
SELECT {callback_columns} FROM callbacks AS c JOIN tasks AS t ON t.id = c.task_id WHERE

-- name: callbacks_total
-- The length of that list; callbacks_owner and the callbacks_if that apply follow.
SELECT count(*) FROM callbacks AS c WHERE

-- name: callbacks_owner
-- Every list is of one owner.
c.application_id = :application_id

-- name: callbacks_if_task_id
-- The callbacks of one task.
AND c.task_id = :task_id

-- name: callbacks_if_statuses
-- The callbacks of which one of these has become.
AND c.status IN (SELECT value FROM json_each(:statuses))

-- name: callbacks_newest
-- Newest first, one page.
ORDER BY c.created_at DESC, c.task_id DESC, c.state DESC LIMIT :limit OFFSET :offset

-- name: settle_callback
-- Write down what a callback has come to, of a claim that still held.
UPDATE callbacks SET status = :status, next_at = :again, trouble = :trouble WHERE task_id = :task_id AND state = :state

-- name: supersede_callback
-- Write down that a later state is told instead of one that was not delivered.
UPDATE callbacks SET status = 'superseded', next_at = NULL
WHERE task_id = :task_id AND state = :state AND status = 'pending'

-- name: drop_callback_due
-- Remove the work of telling a state.
DELETE FROM due WHERE task_id = :task_id AND kind = 'callback' AND detail = :state

-- name: count_delivery
-- Add a delivery to what is known of its callback, if that is still there.
UPDATE callbacks SET tries = tries + 1, last_at = :at, answer = :answer, trouble = :trouble
WHERE task_id = :task_id AND state = :state
RETURNING task_id

-- name: add_delivery
-- Write down a delivery.
INSERT INTO deliveries (task_id, state, at, took, answer, trouble)
VALUES (:task_id, :state, :at, :took, :answer, :trouble)

-- name: deliveries
-- The deliveries of a callback, oldest first.
SELECT at, took, answer, trouble FROM deliveries WHERE task_id = :task_id AND state = :state ORDER BY id

-- name: drop_surplus_deliveries
-- Remove all but the newest deliveries of a callback.
DELETE FROM deliveries WHERE id IN (
    SELECT id FROM deliveries WHERE task_id = :task_id AND state = :state ORDER BY id DESC LIMIT -1 OFFSET :kept
)

-- name: drop_old_deliveries
-- Remove a few of the deliveries that are older than they may become.
DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE at < :oldest ORDER BY at LIMIT :few)

-- name: callback_secrets
-- What signs an application's callbacks, newest first.
SELECT secret, created_at, ends_at FROM callback_secrets
WHERE application_id = :application_id AND (ends_at IS NULL OR ends_at > :now) ORDER BY id DESC

-- name: add_callback_secret
-- Write a secret.
INSERT INTO callback_secrets (application_id, secret, created_at) VALUES (:application_id, :secret, :created_at)

-- name: end_callback_secrets
-- Let the secrets of an application end.
UPDATE callback_secrets SET ends_at = min(coalesce(ends_at, :until), :until) WHERE application_id = :application_id

-- name: drop_callback_secrets
-- Remove the secrets of an application that have ended, and all but the newest.
DELETE FROM callback_secrets WHERE application_id = :application_id AND (
    ends_at <= :now OR id NOT IN (
        SELECT id FROM callback_secrets WHERE application_id = :application_id ORDER BY id DESC LIMIT :kept
    )
)
