-- What the holder of a key may do.
ALTER TABLE api_keys ADD COLUMN role TEXT NOT NULL DEFAULT 'member' CHECK (role IN ('admin', 'member', 'viewer'));

-- Until now it was a matter of where a request came from who could administer a service: somebody still has to.
UPDATE api_keys SET role = 'admin' WHERE id = (
    SELECT api_keys.id FROM api_keys JOIN applications ON applications.id = api_keys.application_id
    WHERE applications.name = 'default' AND api_keys.revoked_at IS NULL
    ORDER BY api_keys.created_at, api_keys.id
    LIMIT 1
);
