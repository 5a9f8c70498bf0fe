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
