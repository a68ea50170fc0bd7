"""A tenant's archive: out of one installation, into another, with equal checksums."""

from __future__ import annotations

import asyncio
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from adapters.archive import facts
from adapters.archive.container import Archive, Damaged
from adapters.sealing import Unopened, signing_key_field
from domain.campaign import CampaignScheduled
from domain.event import Topic
from domain.refusals import Taken
from ops.archiving import exporting, importing
from ops.archiving.exporting import Exported, export
from ops.archiving.importing import Imported
from ops.cli import main
from streams import launching
from tests.integration.archive.conftest import (
    PRIVATE_KEY,
    Installation,
    fill_vault,
    history,
    put,
)
from tests.integration.projections.conftest import BEGIN
from tests.vault_kit import insert, rows

pytestmark = pytest.mark.stack

LATE = BEGIN + timedelta(days=9999)
MINE, OTHER = "ten_0", "ten_1"
PHRASE = "a long passphrase of tests"


async def exported(old: Installation, out: Path, phrase: str = "") -> Exported:
    return await asyncio.to_thread(export, old.where, MINE, out, phrase)


async def brought(new: Installation, path: Path, phrase: str = "") -> Imported:
    def bring() -> Imported:
        with Archive(path) as archive:
            return importing.bring(new.where, archive, phrase, lambda _: None)

    return await asyncio.to_thread(bring)


async def told(installation: Installation) -> list[str]:
    """The tenant's records about sends in the log, by id."""
    where = installation.where
    async with facts.reading(where.bootstrap) as consumer:
        until = await facts.ends(consumer, where.prefix)
        found = facts.of_tenant(consumer, where.prefix, MINE, until)
        return sorted([facts.id_of(facts.as_row(*one)) async for one in found])


def decisions(installation: Installation) -> list[tuple[Any, ...]]:
    return rows(
        installation.where.dsn,
        "SELECT originator_id, originator_version, topic, state, event_id, actor, recorded_at"
        " FROM es.decision_events WHERE tenant_id = 'ten_0' ORDER BY notification_id",
    )


def vault(installation: Installation) -> list[tuple[Any, ...]]:
    return rows(
        installation.where.dsn,
        "SELECT t::text FROM vault.contact t WHERE tenant_id = 'ten_0'"
        " UNION ALL SELECT t::text FROM vault.label t WHERE tenant_id = 'ten_0' ORDER BY 1",
    )


def may_send(installation: Installation) -> list[tuple[Any, ...]]:
    return rows(installation.where.dsn, "SELECT may_send FROM pipeline.tenant")


@pytest.fixture
async def at_rest(old: Installation) -> Installation:
    """Two tenants whose campaigns are at their end."""
    for tenant_id in (MINE, OTHER):
        fill_vault(old, tenant_id)
        await put(old, history(f"a{tenant_id}", tenant_id), tenant_id)
        await put(old, history(f"b{tenant_id}", tenant_id), tenant_id)
    return old


async def test_a_tenant_moves_with_equal_checksums_and_nothing_of_another(
    at_rest: Installation, new: Installation, tmp_path: Path
) -> None:
    out = await exported(at_rest, tmp_path)
    found = await brought(new, out.path)

    sums = out.manifest["sums"]
    assert out.manifest["exact"]
    assert (found.equal, found.differing, found.not_compared) == (True, [], [])
    assert sums["send_ledger"][0] == 20
    assert sum(count for count, _ in sums.values()) > 60
    assert decisions(new)[:-1] == decisions(at_rest)
    assert await told(new) == await told(at_rest)
    assert vault(new) == vault(at_rest)
    assert len(vault(new)) == 1501
    assert rows(new.where.dsn, "SELECT DISTINCT tenant_id FROM es.decision_events") == [(MINE,)]
    assert OTHER.encode() not in b"".join(_members(out.path))


def _members(path: Path) -> list[bytes]:
    with zipfile.ZipFile(path) as archive:
        return [archive.read(name) for name in archive.namelist()]


async def test_an_imported_tenant_is_suspended_and_only_an_event_lets_it_send(
    at_rest: Installation, new: Installation, tmp_path: Path
) -> None:
    out = await exported(at_rest, tmp_path)
    found = await brought(new, out.path)

    assert found.suspended
    assert decisions(new)[-1][2] == "TenantSuspended.v1"
    assert may_send(new) == [(False,)]
    assert rows(new.where.dsn, "SELECT * FROM pipeline.held_tenant") == []


async def test_i8_what_the_archive_calls_waiting_is_never_sent(
    old: Installation, new: Installation, tmp_path: Path
) -> None:
    """The other installation may have sent it meanwhile: its campaign is cancelled here."""
    fill_vault(old, MINE)
    await put(old, history("open", MINE, finished=False), MINE)
    out = await exported(old, tmp_path)
    found = await brought(new, out.path)

    assert found.cancelled == ["cmp_open"]
    assert rows(new.where.dsn, "SELECT state FROM pipeline.campaign") == [("cancelled",)]
    assert rows(new.where.dsn, "SELECT sum(size) > 0 FROM pipeline.waiting") == [(True,)]
    assert may_send(new) == [(False,)]
    assert rows(
        new.where.dsn, "SELECT count(*) FROM pipeline.release WHERE state = 'released'"
    ) == [(0,)]
    assert rows(new.where.dsn, "SELECT bool_and(done) FROM pipeline.plan") == [(True,)]


async def test_while_it_is_imported_no_event_of_its_history_lets_it_send(
    at_rest: Installation, new: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = await exported(at_rest, tmp_path)
    monkeypatch.setattr(importing, "_end", dying())
    with pytest.raises(KeyboardInterrupt):
        await brought(new, out.path)

    assert len(rows(new.where.dsn, "SELECT * FROM pipeline.held_tenant")) == 1
    assert may_send(new) == [(False,)]


async def test_i8_a_scheduled_campaign_that_is_imported_never_launches_by_itself(
    old: Installation, new: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its moment may have come on the way; it is cancelled, and meanwhile nobody launches it."""
    told_ = history("late", MINE, finished=False)
    told_.partitions = {
        place: [one for one in some if type(one.event).__name__ == "CampaignDrafted"]
        for place, some in told_.partitions.items()
    }
    moment = CampaignScheduled(tenant_id=MINE, campaign_id="cmp_late", at=BEGIN)
    told_.tell(Topic.DECISIONS, 0, MINE, moment)
    await put(old, told_, MINE)
    out = await exported(old, tmp_path)
    end = importing._end
    due: list[Any] = []

    def looked(*given: Any) -> None:
        with psycopg.connect(new.where.dsn) as conn:
            due.extend(conn.execute("SELECT tenant_id FROM pipeline.scheduled_launch"))
            due.extend(conn.execute(launching.SQL["due"], {"now": LATE, "at_once": 9}))
        end(*given)

    monkeypatch.setattr(importing, "_end", looked)
    found = await brought(new, out.path)

    assert due == [(MINE,)]
    assert (found.equal, found.cancelled) == (True, ["cmp_late"])
    assert rows(new.where.dsn, "SELECT * FROM pipeline.scheduled_launch") == []


def dying(after: Callable[..., Any] | None = None) -> Callable[..., Any]:
    def die(*given: Any) -> None:
        if after:
            after(*given)
        raise KeyboardInterrupt

    return die


STEPS = ("_begin", "_fill", "_append_decisions", "_compare", "_end")


@pytest.mark.parametrize("step", STEPS)
async def test_an_import_that_broke_off_goes_on_where_it_was(
    at_rest: Installation,
    new: Installation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    out = await exported(at_rest, tmp_path)
    monkeypatch.setattr(importing, step, dying(getattr(importing, step)))
    with pytest.raises(KeyboardInterrupt):
        await brought(new, out.path)
    monkeypatch.undo()

    if step == "_end":  # it was done but for the answer
        with pytest.raises(Taken, match="already"):
            await brought(new, out.path)
    else:
        assert (await brought(new, out.path)).equal
    assert await told(new) == await told(at_rest)
    assert decisions(new)[:-1] == decisions(at_rest)
    assert vault(new) == vault(at_rest)


async def test_an_import_that_broke_off_between_records_repeats_none(
    at_rest: Installation, new: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = await exported(at_rest, tmp_path)
    append = facts.append

    async def half(bootstrap: str, prefix: str, given: Any, known: set[str]) -> int:
        await append(bootstrap, prefix, list(given)[:7], known)
        raise KeyboardInterrupt

    monkeypatch.setattr(facts, "append", half)
    with pytest.raises(KeyboardInterrupt):
        await brought(new, out.path)
    monkeypatch.undo()
    assert len(await told(new)) == 7

    found = await brought(new, out.path)

    assert found.equal
    assert await told(new) == await told(at_rest)


async def test_a_tenant_that_is_here_already_is_refused(
    at_rest: Installation, tmp_path: Path
) -> None:
    out = await exported(at_rest, tmp_path)
    before = decisions(at_rest)

    with pytest.raises(Taken, match="already"):
        await brought(at_rest, out.path)

    assert decisions(at_rest) == before
    assert set(may_send(at_rest)) == {(True,)}


async def test_a_domain_that_another_tenant_has_here_is_refused_before_anything_is_written(
    at_rest: Installation, new: Installation, tmp_path: Path
) -> None:
    out = await exported(at_rest, tmp_path)
    insert(
        new.where.dsn,
        "INSERT INTO es.reservation VALUES ('sending domain', '', %s, 'domain-x', 'ten_x')",
        [(f"{MINE}.example.org",)],
    )

    with pytest.raises(Taken, match="belongs to another tenant"):
        await brought(new, out.path)

    assert decisions(new) == vault(new) == []
    assert rows(new.where.dsn, "SELECT * FROM pipeline.held_tenant") == []


async def test_a_changed_archive_is_refused_and_nothing_is_written(
    at_rest: Installation, new: Installation, tmp_path: Path
) -> None:
    out = await exported(at_rest, tmp_path)
    forged = tmp_path / "forged.zip"
    with zipfile.ZipFile(out.path) as source, zipfile.ZipFile(forged, "w") as target:
        for name in source.namelist():
            body = source.read(name)
            changed = body.replace(b"ten_0.7@", b"eve_0.7@") if "contact" in name else body
            target.writestr(name, changed)

    with pytest.raises(Damaged, match=r"vault/contact\.ndjson"):
        await brought(new, forged)

    assert decisions(new) == vault(new) == []


async def test_without_a_passphrase_secrets_stay_and_are_listed(
    at_rest: Installation, new: Installation, tmp_path: Path
) -> None:
    out = await exported(at_rest, tmp_path)
    found = await brought(new, out.path)

    assert found.enter_anew == {"signing_key.private_key": 1}
    assert rows(new.where.dsn, "SELECT count(*) FROM vault.signing_key") == [(0,)]


async def test_under_a_passphrase_secrets_travel_and_open_under_the_new_installations_key(
    at_rest: Installation, new: Installation, tmp_path: Path
) -> None:
    out = await exported(at_rest, tmp_path, PHRASE)
    with pytest.raises(Unopened):
        await brought(new, out.path, "another long passphrase")
    found = await brought(new, out.path, PHRASE)

    ((sealed,),) = rows(new.where.dsn, "SELECT private_key FROM vault.signing_key")
    place = signing_key_field(MINE, "dom_1", "pm1")
    assert found.enter_anew == {}
    assert new.where.seals.open(sealed, *place) == PRIVATE_KEY
    assert PRIVATE_KEY not in b"".join(_members(out.path))


async def test_a_row_that_differs_is_found_and_named(
    at_rest: Installation, new: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = await exported(at_rest, tmp_path)
    wait = importing._wait

    def and_change(*given: Any) -> None:
        wait(*given)
        with psycopg.connect(new.where.dsn) as conn:
            conn.execute("UPDATE rm.send_ledger_v1 SET reason = 'forged' WHERE idx = 0")

    monkeypatch.setattr(importing, "_wait", and_change)

    found = await brought(new, out.path)

    assert (found.equal, found.differing) == (False, ["send_ledger"])


def test_names_and_ids_find_a_tenant(dsn: str) -> None:
    insert(
        dsn,
        "INSERT INTO vault.label VALUES (%s, %s, 'tenant', %s)",
        [("ten_a", "ten_a", "Acme"), ("ten_b", "ten_b", "Twice"), ("ten_c", "ten_c", "Twice")],
    )
    with psycopg.connect(dsn) as conn:
        assert exporting.tenant_named(conn, "Acme") == "ten_a"
        with pytest.raises(Exception, match="several"):
            exporting.tenant_named(conn, "Twice")
        with pytest.raises(Exception, match="no tenant"):
            exporting.tenant_named(conn, "Nobody")


async def test_the_commands_do_the_same_and_tell_it_as_json(
    at_rest: Installation,
    new: Installation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text(PHRASE + "\n")
    given = ("--passphrase-file", str(phrase), "--data", str(tmp_path), "--json")
    out = tmp_path / "moved.zip"

    at(at_rest, monkeypatch)
    named = ("--tenant", f"name of {MINE}", "--out", str(out))
    code, written = await command(capsys, "export-tenant", *named, *given)
    at(new, monkeypatch)
    again, told_ = await command(capsys, "import-tenant", str(out), *given)
    third, _ = await command(capsys, "import-tenant", str(out), *given)

    assert (code, again, third) == (0, 0, 1)
    assert (written["tenant_id"], written["exact"], written["path"]) == (MINE, True, str(out))
    assert (told_["equal"], told_["suspended"], told_["same_id_key"]) == (True, True, False)
    assert told_["rows"]["contact"] == 1500


def at(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    where = installation.where
    keys = {"PM_KAFKA_BOOTSTRAP": where.bootstrap, "PM_DATABASE_URL": where.dsn}
    for name, value in (keys | {"PM_PREFIX": where.prefix, "PM_ID_KEY": where.id_key}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PM_SECRET_KEY", installation.key)


async def command(
    capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, dict[str, Any]]:
    def run() -> int:
        try:
            main(arguments)
        except SystemExit as left:
            return int(left.code or 0)
        raise AssertionError("a command leaves the process")

    capsys.readouterr()
    code = await asyncio.to_thread(run)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return code, json.loads(lines[-1]) if lines else {}
