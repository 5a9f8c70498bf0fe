-- name: add_application
-- Write an application unless its name is taken.
INSERT INTO applications (id, name, user_id, created_at) VALUES (:id, :name, :user_id, :created_at)
ON CONFLICT (name) DO NOTHING

-- name: application_by_name
-- The application that has this name.
SELECT id, name, user_id, created_at FROM applications WHERE name = :name

-- name: key_columns
-- In the order of the fields of ApiKey.
id, application_id, user_id, name, digest, hint, created_at, revoked_at, role

-- name: add_key
-- Write a key.
INSERT INTO api_keys ({key_columns})
VALUES (:id, :application_id, :user_id, :name, :digest, :hint, :created_at, :revoked_at, :role)

-- name: key_by_digest
-- The key that has this digest.
SELECT {key_columns} FROM api_keys WHERE digest = :digest

-- name: list_keys
-- All keys, oldest first.
SELECT {key_columns} FROM api_keys ORDER BY created_at, id

-- name: revoke_key
-- Revoke a key that is still good.
UPDATE api_keys SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL RETURNING id
