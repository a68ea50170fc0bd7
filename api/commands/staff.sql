-- name: keep
INSERT INTO staff.member (staff_id, name, role, active, handle, hash, since)
VALUES (%(staff_id)s, %(name)s, %(role)s, true, %(handle)s, %(hash)s, %(now)s)

-- name: role
UPDATE staff.member SET role = %(role)s WHERE staff_id = %(staff_id)s AND active

-- name: token
UPDATE staff.member SET handle = %(handle)s, hash = %(hash)s WHERE staff_id = %(staff_id)s AND active

-- name: remove
UPDATE staff.member SET active = false WHERE staff_id = %(staff_id)s

-- name: page
SELECT staff_id, name, role, active, since FROM staff.member
WHERE staff_id > %(after)s ORDER BY staff_id LIMIT %(limit)s

-- name: one
SELECT staff_id, name, role, active, since FROM staff.member WHERE staff_id = %(staff_id)s AND active
