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

-- name: callback_places
-- The places of callbacks in a list; an owner and the conditions that apply follow.
SELECT c.created_at, c.task_id, c.state FROM callbacks AS c WHERE

-- name: callbacks_owner
-- Every list is of one owner.
c.application_id = :application_id

-- name: callbacks_owner_of_task
-- The same where a task is given. With the plus its callbacks are searched, whatever the statistics say.
+c.application_id = :application_id

-- name: callbacks_if_task_id
-- The callbacks of one task.
AND c.task_id = :task_id

-- name: callbacks_newest
-- Newest first, one page and one more.
ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT :limit OFFSET :offset

-- name: callbacks_placed
-- The callbacks of a page of places, which follow in parentheses; then callbacks_of_places.
WITH page (at, place, told) AS MATERIALIZED

-- name: callbacks_of_places
-- Newest first.
SELECT {callback_columns} FROM page
CROSS JOIN callbacks AS c ON c.task_id = place AND c.state = told JOIN tasks AS t ON t.id = c.task_id
ORDER BY at DESC, place DESC, told DESC

-- name: settle_callback
-- Write down what a callback has come to, of a claim that still held.
UPDATE callbacks SET status = :status, next_at = :again, trouble = :trouble WHERE task_id = :task_id AND state = :state

-- name: supersede_callback
-- Write down that a later state is told instead of one that was not delivered.
UPDATE callbacks SET status = 'superseded', next_at = NULL
WHERE task_id = :task_id AND state = :state AND status = 'pending'

-- name: drop_detail
-- Remove the work of one kind for a task that has this detail.
DELETE FROM due WHERE task_id = :task_id AND kind = :kind AND detail = :detail

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
