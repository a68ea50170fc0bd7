-- What accounts ask Postgres, under role pm_api: functions of schema auth, never its tables.

-- name: register
SELECT auth.register(%(user_id)s, %(address)s, %(key)s, %(password_hash)s, %(now)s) AS found

-- name: account_of
SELECT * FROM auth.account_of(%(user_id)s)

-- name: account_at
SELECT * FROM auth.account_at(%(key)s)

-- name: rename
SELECT auth.rename(%(user_id)s, %(name)s)

-- name: verify
SELECT auth.verify(%(user_id)s, %(now)s)

-- name: rehash
SELECT auth.rehash(%(user_id)s, %(old)s, %(new)s)

-- name: set_password
SELECT auth.set_password(%(user_id)s, %(password_hash)s)

-- name: set_disabled
SELECT auth.set_disabled(%(user_id)s, %(at)s)

-- name: open_session
SELECT auth.open_session(%(hash)s, %(session_id)s, %(user_id)s, %(ip)s, %(agent)s, %(now)s,
                         %(absolute_s)s) AS found

-- name: session_of
SELECT * FROM auth.session_of(%(hash)s, %(now)s, %(idle_s)s, %(absolute_s)s)

-- name: sessions_of
SELECT * FROM auth.sessions_of(%(user_id)s, %(now)s, %(idle_s)s, %(absolute_s)s)

-- name: memberships_of
SELECT * FROM app.memberships_of(%(user_id)s)

-- name: end_session
SELECT auth.end_session(%(user_id)s, %(session_id)s) AS found

-- name: prove_session
SELECT auth.prove_session(%(user_id)s, %(session_id)s, %(now)s) AS found

-- name: keep_one_time
SELECT auth.keep_one_time(%(hash)s, %(purpose)s, %(user_id)s, %(now)s, %(expires_at)s)

-- name: take_one_time
SELECT auth.take_one_time(%(hash)s, %(purpose)s, %(now)s) AS found

-- name: begin_totp
SELECT auth.begin_totp(%(user_id)s, %(seed)s) AS found

-- name: confirm_totp
SELECT auth.confirm_totp(%(user_id)s, %(seed)s, %(counter)s, %(codes)s, %(now)s) AS found

-- name: disable_totp
SELECT auth.disable_totp(%(user_id)s)

-- name: use_totp
SELECT auth.use_totp(%(user_id)s, %(counter)s) AS found

-- name: replace_recovery_codes
SELECT auth.replace_recovery_codes(%(user_id)s, %(codes)s)

-- name: take_recovery_code
SELECT auth.take_recovery_code(%(user_id)s, %(hash)s) AS found

-- name: recovery_codes_left
SELECT auth.recovery_codes_left(%(user_id)s) AS found

-- name: attempt
SELECT auth.attempt(%(attempt_id)s, %(kinds)s::text[], %(subjects)s::text[], %(limits)s::int[],
                    %(windows_s)s::float8[], %(now)s) AS found

-- name: forget_some
SELECT auth.forget_some(%(now)s)

-- name: forgive
SELECT auth.forgive(%(attempt_id)s)
