"""From sign-up to another password, over HTTP; nobody learns whose addresses are known."""

from __future__ import annotations

import time
from dataclasses import replace

import psycopg
import pytest

from api.main import create_app
from domain.ports import LetterKind
from tests.identity_kit import ADDRESS, PASSWORD, People

pytestmark = pytest.mark.stack

OTHER_PASSWORD = "seven cold penguins swim"  # noqa: S105 - of tests alone
REFUSED = {
    "short pass": "too short",
    "password1234": "first that are tried",
    "aaaaaaaaaaaa": "first that are tried",
    "ada@people.test": "first that are tried",
    "ü" * 600: "too long",
}


async def test_signing_up_verifying_and_logging_in_makes_an_owner_of_a_tenant(
    people: People,
) -> None:
    """By the link of the mail; it serves once."""
    signed_up = await people.sign_up()
    verify = people.token_of_letter()
    verified = await people.post("/v1/auth/verify", token=verify)
    again = await people.post("/v1/auth/verify", token=verify)
    me = (await people.get("/v1/me", await people.log_in())).json()

    assert signed_up.status_code == 202
    assert (verified.status_code, again.status_code) == (200, 422)
    assert (me["address"], me["email_verified"], me["totp_enabled"]) == (ADDRESS, True, False)
    assert [place["role"] for place in me["memberships"]] == ["owner"]


async def test_signing_up_with_a_known_address_answers_the_same_and_mails_its_owner(
    people: People,
) -> None:
    """However the address is spelled; password and tenants stay as they are."""
    first = await people.sign_up()
    second = await people.post(
        "/v1/auth/signup",
        address=ADDRESS.upper(),
        password=OTHER_PASSWORD,
        tenant_name="Somebody else's",
    )

    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert [letter.kind for letter in people.mail.letters] == [LetterKind.VERIFY, LetterKind.KNOWN]
    assert people.mail.letters[-1].address == ADDRESS
    assert (await people.try_log_in(password=OTHER_PASSWORD)).status_code == 401
    me = (await people.get("/v1/me", await people.log_in())).json()
    assert len(me["memberships"]) == 1


async def test_signing_up_takes_no_shorter_with_a_known_address(people: People) -> None:
    """Both answers come no earlier than the longer way takes."""
    identity = replace(people.ports.identity, sign_up_takes_s=0.5)
    slow = replace(people, app=create_app(replace(people.ports, identity=identity)))
    took = []
    for _ in range(2):
        began = time.monotonic()
        await slow.sign_up()
        took.append(time.monotonic() - began)

    assert min(took) >= 0.5


async def test_an_address_is_known_however_its_domain_is_spelled(people: People) -> None:
    """In letters of any script, or as A-labels; capitals make no difference."""
    await people.sign_up("ada@bücher.example")
    spelled = ("ada@bücher.example", "Ada@BÜCHER.example", " ada@xn--bcher-kva.example ")
    answers = [await people.try_log_in(address) for address in spelled]

    assert {answer.status_code for answer in answers} == {200}


async def test_a_forgotten_password_is_replaced_by_mail_and_every_session_ends(
    people: People,
) -> None:
    """The link proves the address too."""
    await people.sign_up()
    token = await people.log_in()
    asked = await people.post("/v1/auth/reset-request", address=ADDRESS)
    link = people.token_of_letter()

    done = await people.post("/v1/auth/reset", token=link, password=OTHER_PASSWORD)
    again = await people.post("/v1/auth/reset", token=link, password=PASSWORD)

    assert (asked.status_code, done.status_code, again.status_code) == (202, 200, 422)
    assert (await people.get("/v1/me", token)).status_code == 401
    assert (await people.try_log_in()).status_code == 401
    answer = await people.try_log_in(password=OTHER_PASSWORD)
    assert answer.json()["email_verified"] is True


async def test_asking_for_mails_answers_the_same_for_unknown_addresses(people: People) -> None:
    """And sends nothing to them."""
    await people.member()
    people.mail.letters.clear()
    paths = ("/v1/auth/reset-request", "/v1/auth/resend-verification")
    for path in paths:
        known = await people.post(path, address=ADDRESS)
        unknown = await people.post(path, address="nobody@people.test")

        assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert [letter.kind for letter in people.mail.letters] == [LetterKind.RESET]


async def test_links_of_mails_grow_old(people: People) -> None:
    """That of a verification after 24 h, that of a reset after one."""
    await people.sign_up()
    verify = people.token_of_letter()
    await people.post("/v1/auth/reset-request", address=ADDRESS)
    reset = people.token_of_letter()

    people.clock.turn(hours=1)
    late_reset = await people.post("/v1/auth/reset", token=reset, password=OTHER_PASSWORD)
    people.clock.turn(hours=23)
    late_verify = await people.post("/v1/auth/verify", token=verify)

    assert (late_reset.status_code, late_verify.status_code) == (422, 422)


async def test_a_link_serves_only_its_own_purpose(people: People) -> None:
    """The token of a verification sets no password."""
    await people.sign_up()
    verify = people.token_of_letter()

    tried = await people.post("/v1/auth/reset", token=verify, password=OTHER_PASSWORD)

    assert tried.status_code == 422
    assert (await people.post("/v1/auth/verify", token=verify)).status_code == 200


async def test_a_verification_is_mailed_again_five_times_a_day_at_most(people: People) -> None:
    """The answer does not tell."""
    await people.sign_up()
    answers = [await people.post("/v1/auth/resend-verification", address=ADDRESS) for _ in range(7)]

    assert {answer.status_code for answer in answers} == {202}
    assert len(people.mail.letters) == 1 + 5


async def test_passwords_that_nobody_should_choose_are_refused(people: People) -> None:
    """Before anything is kept or mailed."""
    for password, says in REFUSED.items():
        answer = await people.post(
            "/v1/auth/signup", address=ADDRESS, password=password, tenant_name="Ada's"
        )

        assert (answer.status_code, says in answer.json()["detail"]) == (422, True), password
    assert not people.mail.letters


async def test_no_address_password_or_token_is_in_the_decision_log(
    people: People, dsn: str
) -> None:
    """I10: sign-up, log-in, codes, reset and a rename leave nothing personal in any column."""
    token = await people.member("canary.person@people.test")
    _, token, codes = await people.with_totp(token)
    async with people.client(Authorization=f"Bearer {token}") as client:
        await client.patch("/v1/me", json={"name": "Canary Name"})
    await people.post("/v1/auth/reset-request", address="canary.person@people.test")
    link = people.token_of_letter()
    await people.post("/v1/auth/reset", token=link, password=OTHER_PASSWORD)

    with psycopg.connect(dsn) as conn:
        rows = conn.execute(
            "SELECT e::text || convert_from(e.state, 'UTF8') FROM es.decision_events e"
        ).fetchall()

    log = "\n".join(row[0] for row in rows)
    assert "PasswordChanged" in log
    for canary in ("canary", "Canary", "people.test", PASSWORD, "argon2", link, codes[0]):
        assert canary not in log


async def test_nothing_that_opens_a_door_is_stored_in_clear(people: People, dsn: str) -> None:
    """A dump of schema auth shows no password, token, recovery code or seed."""
    token = await people.member()
    seed, token, codes = await people.with_totp(token)
    await people.post("/v1/auth/reset-request", address=ADDRESS)
    secrets = [PASSWORD, token, seed, people.token_of_letter(), *codes]

    with psycopg.connect(dsn) as conn:
        tables = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'auth'")
        dump = [
            conn.execute(psycopg.sql.SQL("SELECT * FROM auth.{}").format(psycopg.sql.Identifier(t)))
            .fetchall()
            .__repr__()
            for (t,) in tables.fetchall()
        ]

    assert len(dump) == 5
    for secret in secrets:
        assert secret not in "".join(dump)
        assert secret.replace("-", "") not in "".join(dump)


async def test_the_api_role_reads_no_table_of_accounts(people: People, dsn: str) -> None:
    """It asks functions, each about one person; PUBLIC may call none of them."""
    with psycopg.connect(dsn) as conn:
        open_tables = conn.execute(
            "SELECT t.tablename, r.rolname FROM pg_tables t, pg_roles r WHERE t.schemaname = 'auth'"
            " AND r.rolname LIKE 'pm\\_%' AND has_table_privilege(r.oid, 'auth.' || t.tablename,"
            " 'SELECT, INSERT, UPDATE, DELETE')"
        ).fetchall()
        callers = conn.execute(
            "SELECT p.proname, r.rolname FROM pg_proc p, pg_roles r"
            " WHERE p.pronamespace = 'auth'::regnamespace AND r.rolname LIKE 'pm\\_%'"
            " AND r.rolname <> 'pm_api' AND has_function_privilege(r.oid, p.oid, 'EXECUTE')"
        ).fetchall()
        loose = conn.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'auth'::regnamespace"
            " AND (NOT prosecdef OR proconfig IS NULL"
            "      OR NOT 'search_path=pg_catalog, pg_temp' = ANY(proconfig))"
        ).fetchall()

    assert (open_tables, callers, loose) == ([], [], [])
