"""`penguin keys`, `tenants`, `users` and `staff`: what scripts get, and what is refused."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api import key_tokens
from api.browsers import Origin
from api.commands import accounts, keys, logins
from api.commands.accounts import Identity
from api.commands.logins import Factor
from api.problems import Problem
from domain.access import PERMISSIONS
from domain.api_key import Grant
from domain.membership import Granter
from ops import cli
from ops.launching.desk import open_desk
from ops.launching.ground import ensure_tenant
from ops.tenant_desks import identity_at, open_desks
from ops.where import find
from tests.house_kit import now
from tests.schedule_kit import change, rows

pytestmark = pytest.mark.stack

PASSWORD = "six odd penguins sing"  # noqa: S105 - of tests alone
Told = Callable[..., Any]
COMPARED = "UPDATE es.relay SET compared_with = pipeline.incarnation()"


@pytest.fixture
def stack(dsn: str, server: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Servers that the environment names, whose relay has compared; the DSN."""
    change(dsn, COMPARED)
    monkeypatch.setenv("PM_KAFKA_BOOTSTRAP", server["bootstrap"])
    monkeypatch.setenv("PM_DATABASE_URL", dsn)
    monkeypatch.setenv("PM_ID_KEY", "a key for tests")
    monkeypatch.setenv("PM_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PM_SECRET_KEY", b64encode(bytes(range(32))).decode())
    return dsn


@pytest.fixture
def told(stack: str, capsys: pytest.CaptureFixture[str]) -> Told:
    """A command's JSON, or its one line of refusal when a code is expected."""

    def call(*arguments: str, code: int = 0) -> Any:
        with pytest.raises(SystemExit) as left:
            cli.main([*arguments, "--json"])
        out, err = capsys.readouterr()
        assert left.value.code == code, f"{arguments}: {err}"
        if code == 0:
            return json.loads(out)
        assert out == ""
        (line,) = err.strip().splitlines()
        return line

    return call


def test_a_key_for_a_new_tenant_makes_the_tenant(told: Told) -> None:
    made = told("keys", "create", "--tenant-name", "Penguin Post")

    assert made["tenant_id"].startswith("ten_")
    assert key_tokens.PATTERN.fullmatch(made["key"])
    assert made["key"].startswith("pm_live_")
    assert made["role"] == "owner"
    assert told("tenants", "list")["tenants"] == [
        {"tenant_id": made["tenant_id"], "name": "Penguin Post", "may_send": True}
    ]


def test_the_same_name_is_the_same_tenant_also_for_sending(told: Told, tmp_path: Path) -> None:
    first = told("keys", "create", "--tenant-name", "local")
    again = told("keys", "create", "--tenant-name", "local", "--role", "viewer")
    with open_desk(find(tmp_path)) as desk:
        sending = ensure_tenant(desk, "local")

    assert first["tenant_id"] == again["tenant_id"] == sending
    assert first["key"] != again["key"]


def test_keys_are_listed_without_secrets_and_revoked(told: Told) -> None:
    made = told(
        "keys", "create", "--tenant-name", "A", "--scope", "leads:read", "--expires-in", "7"
    )
    by_name = told("keys", "list", "--tenant", "A")["keys"]
    gone = told("keys", "revoke", made["key_id"], "--tenant", made["tenant_id"])
    after = told("keys", "list", "--tenant", "A")["keys"]

    assert [key["scopes"] for key in by_name] == [["leads:read"]]
    assert made["key"][17:] not in json.dumps(by_name)
    assert "hash" not in by_name[0]
    assert by_name[0]["expires_at"]
    assert gone["state"] == "revoked"
    assert after[0]["revoked_at"]


@pytest.mark.parametrize(
    ("arguments", "code", "cure"),
    [
        (("keys", "create", "--tenant-name", "A", "--role", "king"), 2, "owner, admin, manager"),
        (("keys", "create", "--tenant-name", "A", "--scope", "all"), 2, "campaigns:read"),
        (("keys", "create", "--tenant-name", "A", "--expires-in", "-1"), 2, "0 to"),
        (("keys", "create", "--tenant-name", "A", "--role", "owner", "--scope", "x"), 2, "scope"),
        (("keys", "create"), 2, "--tenant-name"),
        (("keys", "create", "--tenant", "ten_unknown"), 3, "penguin tenants list"),
        (("keys", "list", "--tenant", "nobody"), 3, "penguin tenants list"),
        (("tenants", "show", "nobody"), 3, "penguin tenants list"),
        (("tenants", "limit", "nobody", "--none", "--reason", "x"), 3, "penguin tenants list"),
        (("tenants", "limit", "A", "--reason", "x"), 2, "--daily-limit N or --none"),
        (("tenants", "limit", "A", "--none", "--reason", "a@b.c"), 2, "without names"),
        (("users", "list", "--tenant", "nobody"), 3, "penguin tenants list"),
        (("users", "invite", "--tenant", "A", "--address", "a@b.c", "--role", "x"), 2, "owner"),
        (("staff", "add", "--name", "Eve", "--role", "owner"), 2, "super_admin"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line_that_names_the_choices(
    told: Told, stack: str, arguments: tuple[str, ...], code: int, cure: str
) -> None:
    assert cure in told(*arguments, code=code)
    assert rows(stack, "SELECT count(*) FROM es.decision_events") == [(0,)]


def test_a_key_of_another_tenant_cannot_be_revoked(told: Told) -> None:
    made = told("keys", "create", "--tenant-name", "A")
    told("keys", "create", "--tenant-name", "B")

    assert "no such key" in told("keys", "revoke", made["key_id"], "--tenant", "B", code=3)


def test_a_tenant_is_shown_suspended_and_restored(told: Told, stack: str) -> None:
    made = told("keys", "create", "--tenant-name", "A")
    shown = told("tenants", "show", "A")
    told("tenants", "suspend", "A", "--reason", "abuse")
    told("tenants", "suspend", made["tenant_id"], "--reason", "abuse")
    told("tenants", "restore", "A")

    assert shown["tenant_id"] == made["tenant_id"]
    assert (shown["name"], shown["time_zone"], shown["keys"], shown["users"]) == ("A", "UTC", 1, 0)
    kinds = [row[0] for row in rows(stack, "SELECT topic FROM es.decision_events ORDER BY 1")]
    assert kinds.count("TenantSuspended.v1") == 1
    assert kinds.count("TenantRestored.v1") == 1


def test_a_tenants_daily_limit_is_set_changed_and_lifted(told: Told, stack: str) -> None:
    made = told("keys", "create", "--tenant-name", "A")
    words = ("--reason", "many complaints")
    bound = told("tenants", "limit", "A", "--daily-limit", "20000", *words)
    again = told("tenants", "limit", made["tenant_id"], "--daily-limit", "20000", *words)
    lifted = told("tenants", "limit", "A", "--none", *words)

    assert {**bound, "position": 0} == {
        "tenant_id": made["tenant_id"],
        "daily_limit": 20_000,
        "position": 0,
    }
    assert again["position"] == bound["position"]
    assert lifted["daily_limit"] is None
    assert rows(
        stack, "SELECT convert_from(state, 'UTF8')::jsonb ->> 'daily_limit', actor"
        " FROM es.decision_events WHERE topic = 'TenantDailyLimitSet.v1' ORDER BY notification_id",
    ) == [("20000", "operator"), (None, "operator")]  # fmt: skip


def test_staff_are_added_listed_and_removed(told: Told) -> None:
    first = told("staff", "add", "--name", "Eve", "--role", "super_admin")
    other = told("staff", "add", "--name", "Bo", "--role", "support")
    told("staff", "remove", other["staff_id"])
    last = told("staff", "remove", first["staff_id"], code=1)
    listed = {row["staff_id"]: row for row in told("staff", "list")["staff"]}

    assert "last super_admin" in last
    assert first["token"].startswith("pm_staff_")
    assert [listed[at["staff_id"]]["active"] for at in (first, other)] == [True, False]
    assert first["token"] not in json.dumps(listed)


def test_somebody_is_invited_by_mail(told: Told, stack: str) -> None:
    made = told("keys", "create", "--tenant-name", "A")
    asked = ("users", "invite", "--tenant", "A", "--address", "ada@post.example")
    invited = told(*asked, "--role", "manager")

    assert "invited already" in told(*asked, code=1)
    assert told("users", "list", "--tenant", "A") == {"tenant_id": made["tenant_id"], "users": []}
    kept = rows(stack, "SELECT invitation_id, address, role, state FROM vault.invitation")
    assert kept == [(invited["invitation_id"], "ada@post.example", "manager", "open")]
    with psycopg.connect(stack) as conn:
        letters = conn.execute("SELECT address FROM vault.contact").fetchall()
    assert letters == [("ada@post.example",)]


def test_a_person_is_kept_out_of_everything_and_let_in_again(told: Told, stack: str) -> None:
    """By id or address; their sessions end, the keys that they made go on and are listed."""
    user_id, desks = "usr_everywhere", open_desks(find(Path("nowhere")))
    with desks as found:
        identity = identity_at(found, find(Path("nowhere")))
        assert accounts.open_invited(identity, user_id, "eve@people.example", PASSWORD)
        session = logins.open_session(identity, user_id, Origin("127.0.0.1", "test"))
        desk = found.at(told("keys", "create", "--tenant-name", "Post")["tenant_id"], user_id)
        grant = Grant(role="viewer")
        made = keys.create(desk, grant, name="hers", by=Granter(PERMISSIONS), now=now())

        out = told("users", "disable", "eve@people.example", "--everywhere", "--reason", "security")
        sessions_left = rows(stack, "SELECT count(*) FROM auth.session")
        refused = _log_in(identity)
        back = told("users", "enable", user_id, "--everywhere")
        again = _log_in(identity)

    assert session.token
    assert (out["user_id"], out["state"], out["everywhere"]) == (user_id, "disabled", True)
    assert [key["key_id"] for key in out["keys"]] == [made.key_id]
    assert (sessions_left, refused, again) == ([(0,)], "login_failed", "")
    assert back["state"] == "enabled"
    facts = rows(
        stack,
        "SELECT split_part(topic, '.', 1), actor FROM es.decision_events"
        " WHERE originator_id = 'user-usr_everywhere' AND topic ~ 'abled' ORDER BY notification_id",
    )
    assert facts == [("UserDisabled", "operator"), ("UserEnabled", "operator")]


def _log_in(identity: Identity) -> str:
    """The code of the refusal; empty when it works."""
    try:
        person = ("eve@people.example", PASSWORD)
        logins.log_in(identity, *person, Factor(), Origin("127.0.0.1", "test"))
    except Problem as problem:
        return problem.kind.code
    return ""


def test_a_person_is_disabled_in_one_tenant_or_everywhere_never_both(told: Told) -> None:
    neither = told("users", "disable", "usr_a", code=2)
    both = told("users", "disable", "usr_a", "--tenant", "t", "--everywhere", code=2)
    words = told("users", "disable", "usr_a", "--everywhere", "--reason", "so annoying", code=2)

    assert "--everywhere" in neither
    assert "--everywhere" in both
    assert "--reason" in words
    assert "no such user" in told("users", "disable", "usr_a", "--everywhere", code=3)
