-- name: drop_expired_submits
-- Remove some of the submits whose time is over; each new one removes more than it adds.
DELETE FROM submits WHERE task_id IN (
    SELECT task_id FROM submits WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit
) RETURNING task_id

-- name: move_submits
-- What is remembered of submits is so for as long as before when the clock was set.
UPDATE submits SET expires_at = expires_at + :by

-- name: drop_expired_key
-- Free the key of a submit whose time is over.
DELETE FROM submits WHERE application_id = :application_id AND key = :key AND expires_at <= :now

-- name: add_submit
-- Remember what a submit is known by.
INSERT INTO submits (task_id, application_id, credential_id, digest, key, tries, expires_at)
VALUES (:task_id, :application_id, :credential_id, :digest, :key, :tries, :expires_at)

-- name: expect_submit
-- Have a submit expected again; one that has a key is found by that already.
INSERT INTO submits (task_id, application_id, credential_id, digest, key, tries, expires_at)
VALUES (:task_id, :application_id, :credential_id, :digest, NULL, :tries, :expires_at)
ON CONFLICT (task_id) DO UPDATE SET tries = excluded.tries, expires_at = excluded.expires_at WHERE key IS NULL

-- name: submit_by_key
-- What an application submitted under a key.
SELECT task_id, digest FROM submits WHERE application_id = :application_id AND key = :key AND expires_at > :now

-- name: sent_before
-- The newest submit of a key's holder that this one may repeat: the same, and sent fewer times before.
SELECT task_id FROM submits
WHERE key IS NULL AND credential_id = :credential_id AND digest = :digest AND expires_at > :now AND tries < :tries
ORDER BY expires_at DESC LIMIT 1

-- name: join_submit
-- Take a repeated submit for that one: from now on only a later repetition can be.
UPDATE submits SET tries = :tries, expires_at = :expires_at WHERE task_id = ({sent_before}) RETURNING task_id
