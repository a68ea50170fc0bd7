-- name: active
SELECT version FROM app.read_model WHERE name = %(name)s AND state = 'active'

-- name: versions
SELECT version, state FROM app.read_model WHERE name = %(name)s ORDER BY version

-- name: begin
INSERT INTO app.read_model (name, version, state) VALUES (%(name)s, %(version)s, 'building')

-- name: secure
SELECT app.secure_read_model(%(table)s::text::regclass)

-- name: retire
UPDATE app.read_model SET state = 'old', changed_at = clock_timestamp()
WHERE name = %(name)s AND state = 'active'

-- name: activate
UPDATE app.read_model SET state = 'active', changed_at = clock_timestamp()
WHERE name = %(name)s AND version = %(version)s

-- name: drop_cursors
DELETE FROM app.cursor WHERE reader = %(reader)s

-- name: drop_freshness
DELETE FROM app.freshness WHERE reader = %(reader)s

-- name: forget
DELETE FROM app.read_model WHERE name = %(name)s AND version = %(version)s
