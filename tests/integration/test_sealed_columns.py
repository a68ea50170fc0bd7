"""Rotation of the keys that seal secrets, over every table of a database."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from adapters import sealed_columns
from adapters.sealing import Seals, Unopened, new_key_line, signing_key_field
from ops.cli import main
from tests.vault_kit import change, rows

pytestmark = pytest.mark.stack

OLD, NEW = new_key_line(), new_key_line()
OLD_ID, NEW_ID = OLD.partition(":")[0], NEW.partition(":")[0]
BOTH = Seals.under(f"{OLD}\n{NEW}")
SECRET = b"canary-private-key"
TENANTS = ("ten_a", "ten_b")
COLUMN = "vault.signing_key.private_key"


def keep(dsn: str, seals: Seals, domains: int = 3) -> None:
    with psycopg.connect(dsn) as conn:
        for tenant in TENANTS:
            conn.execute("INSERT INTO pipeline.tenant VALUES (%s)", (tenant,))
            for number in range(domains):
                place = signing_key_field(tenant, f"dom_{number}", "pm1")
                conn.execute(
                    "INSERT INTO vault.signing_key VALUES (%s, %s, 'pm1', 'rsa', %s, 'public')",
                    (tenant, f"dom_{number}", seals.seal(SECRET, *place)),
                )


def opened(dsn: str, seals: Seals) -> set[bytes]:
    found = rows(dsn, "SELECT tenant_id, domain_id, selector, private_key FROM vault.signing_key")
    return {seals.open(sealed, *signing_key_field(*place)) for *place, sealed in found}


def test_everything_is_put_under_the_newest_key_and_the_old_one_is_needed_no_more(dsn: str) -> None:
    keep(dsn, Seals.under(OLD))

    changed = sealed_columns.rotate(dsn, BOTH)

    assert changed == {COLUMN: 6}
    assert opened(dsn, Seals.under(NEW)) == {SECRET}
    assert [(one.column, one.keys) for one in sealed_columns.standing(dsn)] == [
        (COLUMN, {NEW_ID: 6})
    ]
    assert sealed_columns.rotate(dsn, BOTH) == {}


def test_a_rotation_that_broke_off_goes_on(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(dsn, Seals.under(OLD), domains=4)
    monkeypatch.setattr(sealed_columns, "BATCH", 2)

    def break_off(changed: int) -> None:
        if changed >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sealed_columns.rotate(dsn, BOTH, break_off)

    (between,) = sealed_columns.standing(dsn)
    assert between.keys == {OLD_ID: 4, NEW_ID: 4}
    assert opened(dsn, BOTH) == {SECRET}
    assert sealed_columns.rotate(dsn, BOTH) == {COLUMN: 4}


def test_a_missing_key_stops_the_rotation_and_is_named(dsn: str) -> None:
    keep(dsn, Seals.under(OLD))

    with pytest.raises(Unopened, match=OLD_ID):
        sealed_columns.rotate(dsn, Seals.under(NEW))

    assert opened(dsn, Seals.under(OLD)) == {SECRET}


def test_a_column_that_somebody_adds_later_is_rotated_too(dsn: str) -> None:
    change(
        dsn, "CREATE TABLE app.gadget (gadget_id text PRIMARY KEY, password bytea, digest bytea)"
    )
    sealed = Seals.under(OLD).seal(SECRET, "", "app.gadget.password", "one")
    with psycopg.connect(dsn) as conn:
        conn.execute("INSERT INTO app.gadget VALUES ('one', %s, %s)", (sealed, b"a plain digest"))

    assert sealed_columns.rotate(dsn, BOTH) == {"app.gadget.password": 1}

    (found,) = rows(dsn, "SELECT password, digest FROM app.gadget")
    assert Seals.under(NEW).open(found[0], "", "app.gadget.password", "one") == SECRET
    assert found[1] == b"a plain digest"


def test_the_command_adds_a_key_rotates_and_tells(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(dsn, Seals.under(OLD))
    file = tmp_path / "keys"
    file.write_text(OLD + "\n")
    monkeypatch.setenv("PM_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("PM_DATABASE_URL", dsn)
    monkeypatch.setenv("PM_SECRET_KEY_FILE", str(file))

    code = run("secrets", "rotate", "--new-key", "--json", "--data", str(tmp_path))

    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert (told["changed"], told["missing"], told["unused"]) == ({COLUMN: 6}, [], [OLD_ID])
    file.write_text(NEW + "\n")
    assert run("secrets", "status", "--data", str(tmp_path)) == 1
    assert f"missing    {told['newest']}" in capsys.readouterr().out


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return int(left.value.code or 0)
