-- name: media_columns
-- The fields of Media, then those of StoredMedia.
token, role, name, key, bytes, etag, facts, application_id, task_id, created_at

-- name: add_media
-- Write the row of a file.
INSERT INTO media ({media_columns})
VALUES (:token, :role, :name, :key, :bytes, :etag, :facts, :application_id, :task_id, :created_at)

-- name: media_by_token
-- The file behind a link.
SELECT {media_columns} FROM media WHERE token = :token

-- name: uploads
-- The owner's files that no task owns, newest first, behind a place in that order; the planner takes them for few.
SELECT {media_columns} FROM media INDEXED BY media_uploads
WHERE task_id IS NULL AND application_id = :application_id AND (created_at, token) < (:after_time, :after_token)
ORDER BY created_at DESC, token DESC LIMIT :limit

-- name: drop_upload
-- Remove the row of an upload of its owner.
DELETE FROM media WHERE token = :token AND application_id = :application_id AND task_id IS NULL
RETURNING {media_columns}
