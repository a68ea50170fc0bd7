"""A tenant's archive over HTTP: an owner's alone, of nobody who was erased, each step told."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from adapters.archive.container import Archive
from adapters.postgres import connect_sync
from api.export_worker import FAILURES_MAX, Exports, Tell
from api.main import create_app
from api.wiring import Ports
from ops.archiving import exporting
from tests.api_kit import ports_of
from tests.house_kit import House
from tests.integration.archive.conftest import Installation, fill_vault, history, put
from tests.vault_kit import rows

pytestmark = pytest.mark.stack

MINE, OTHER, PATH = "ten_0", "ten_1", "/v1/tenant/exports"


@dataclass
class World:
    """An installation with its API; `run` is one round of who makes the archives."""

    installation: Installation
    ports: Ports
    house: House
    exports: Exports
    ahead: timedelta = timedelta()
    before_rows: list[Callable[[], None]] = field(default_factory=list)

    async def run(self) -> int:
        return await asyncio.to_thread(self.exports.run_all)

    async def asked(self, token: str) -> str:
        answer = await self.house.post(PATH, token)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["export_id"])

    async def state(self, token: str, export_id: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.house.get(f"{PATH}/{export_id}", token)).json()
        return found

    async def download(self, token: str, export_id: str) -> httpx2.Response:
        return await self.house.get(f"{PATH}/{export_id}/download", token)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.ports.archives.folder.iterdir())

    def erase(self, contact_id: str) -> None:
        with connect_sync(self.installation.where.dsn, "pm_api") as conn, conn.transaction():
            conn.execute("SELECT set_config('app.tenant_id', %s, true)", (MINE,))
            conn.execute(
                "UPDATE vault.contact SET erased_at = now(), address = NULL, address_key = NULL,"
                " fields = '{}' WHERE tenant_id = %s AND contact_id = %s",
                (MINE, contact_id),
            )

    def told(self) -> list[tuple[str, str]]:
        found = rows(
            self.installation.where.dsn,
            "SELECT topic, actor FROM es.decision_events WHERE tenant_id = 'ten_0'"
            " AND originator_id LIKE 'tenant-export-%' ORDER BY notification_id",
        )
        return [(topic.removeprefix("TenantExport").partition(".")[0], who) for topic, who in found]


@asynccontextmanager
async def world_of(old: Installation) -> AsyncIterator[World]:
    where = old.where
    made: list[World] = []

    def now() -> datetime:
        return datetime.now(UTC) + (made[0].ahead if made else timedelta())

    async with ports_of(where.dsn, now=now) as ports:

        def write(tenant_id: str, path: Path, tell: Tell) -> dict[str, Any]:
            def told(member: str, count: int) -> None:
                tell(member, count)
                while member == "vault/contact.ndjson" and made[0].before_rows:
                    made[0].before_rows.pop()()

            return exporting.export(where, tenant_id, path, tell=told).manifest

        connect = partial(connect_sync, where.dsn, "pm_api")
        exports = Exports(ports.desks, connect, write, ports.archives.folder, now)
        made.append(World(old, ports, House(create_app(ports), ports), exports))
        yield made[0]


@pytest.fixture
async def world(old: Installation) -> AsyncIterator[World]:
    await put(old, history("one", MINE), MINE)
    fill_vault(old, MINE)
    fill_vault(old, OTHER)
    async with world_of(old) as found:
        yield found


def people_in(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("vault/contact.ndjson").decode()


async def test_an_owner_asks_waits_and_takes_the_whole_away(world: World, tmp_path: Path) -> None:
    """The file is the documented archive; every step is in the audit log with its actor."""
    owner = world.house.person(MINE)
    export_id = await world.asked(owner.token)
    before = await world.state(owner.token, export_id)
    assert await world.run() == 1
    done = await world.state(owner.token, export_id)
    given = await world.download(owner.token, export_id)
    (tmp_path / "given.zip").write_bytes(given.content)
    with Archive(tmp_path / "given.zip") as archive:
        archive.verify()
        manifest = archive.manifest

    assert (before["state"], before["made_at"], done["state"]) == ("queued", None, "done")
    assert (done["exact"], done["members"]) == (True, manifest["members"])
    assert done["enter_anew"] == {"signing_key.private_key": 1}
    assert (manifest["tenant_id"], done["bytes"]) == (MINE, len(given.content))
    assert (given.headers["content-type"], given.headers["cache-control"]) == (
        "application/zip", "no-store",
    )  # fmt: skip
    assert people_in(given.content).count(f"{MINE}.") == 2 * 1500
    assert OTHER not in people_in(given.content)
    assert world.told() == [(deed, owner.user_id) for deed in ("Requested", "Made", "Downloaded")]


async def test_nobody_but_an_owner_of_the_whole_asks_or_takes(world: World) -> None:
    owner, house = world.house.person(MINE), world.house
    export_id = await world.asked(owner.token)
    await world.run()
    one = house.workspace(MINE)
    others = [
        house.person(MINE, "admin").token,
        house.key(MINE, "manager").text,
        house.person(MINE, "owner", (one,)).token,
    ]
    for token in others:
        for method, path in (("POST", PATH), ("GET", f"{PATH}/{export_id}/download")):
            asked = await house.call(method, path, token, tenant=MINE)
            assert (asked.status_code, asked.json()["code"]) == (403, "forbidden"), asked.text
    stranger = house.person(OTHER)
    paths = (f"{PATH}/{export_id}", f"{PATH}/{export_id}/download")
    seen = [await house.get(path, stranger.token) for path in paths]

    assert [answer.status_code for answer in seen] == [404, 404]
    assert (await house.get(PATH, stranger.token)).json()["data"] == []


async def test_one_is_made_at_a_time_and_the_newest_is_kept(world: World) -> None:
    key = world.house.key(MINE).text
    first = await world.asked(key)
    again = await world.house.post(PATH, key)
    await world.run()
    second = await world.asked(key)
    await world.run()
    await world.run()
    listed = (await world.house.get(PATH, key)).json()["data"]

    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    assert [row["export_id"] for row in listed] == [second]
    assert world.files() == [f"{second}.zip"]
    assert (await world.download(key, first)).status_code == 404


async def test_a_file_that_holds_somebody_erased_is_given_out_no_more(world: World) -> None:
    """I10."""
    key = world.house.key(MINE).text
    export_id = await world.asked(key)
    await world.run()
    world.erase("lea_7")
    refused = await world.download(key, export_id)
    await world.run()

    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    assert (await world.state(key, export_id))["state"] == "outdated"
    assert world.files() == []


async def test_who_is_erased_while_the_file_is_written_is_not_in_it(world: World) -> None:
    """I10: the file that was begun before is thrown away, and begun again."""
    key = world.house.key(MINE).text
    export_id = await world.asked(key)
    world.before_rows.append(lambda: world.erase("lea_7"))
    await world.run()
    between = await world.state(key, export_id)
    files = world.files()
    await world.run()
    given = await world.download(key, export_id)

    assert (between["state"], files) == ("queued", [])
    assert given.status_code == 200
    assert f"{MINE}.8@example.org" in people_in(given.content)
    assert f"{MINE}.7@example.org" not in people_in(given.content)


async def test_it_expires_and_its_file_goes(world: World) -> None:
    key = world.house.key(MINE).text
    export_id = await world.asked(key)
    await world.run()
    world.ahead = timedelta(days=3, minutes=1)
    late = await world.download(key, export_id)
    await world.run()

    assert late.status_code == 404
    assert (await world.house.get(PATH, key)).json()["data"] == []
    assert world.files() == []


async def test_what_a_dead_process_left_is_begun_again(world: World) -> None:
    key = world.house.key(MINE).text
    export_id = await world.asked(key)
    world.before_rows.append(world.exports.stopped.set)
    await world.run()
    left = await world.state(key, export_id)
    partial_files = [name for name in world.files() if name.endswith(".zip")]
    world.exports.stopped.clear()
    await world.run()

    assert (left["state"], partial_files) == ("running", [])
    assert (await world.state(key, export_id))["state"] == "done"


async def test_what_breaks_again_and_again_is_told_and_given_up(world: World) -> None:
    def breaks() -> None:
        raise ValueError("a fault of ours")

    key = world.house.key(MINE)
    export_id = await world.asked(key.text)
    for _ in range(FAILURES_MAX):
        world.before_rows.append(breaks)
        assert await world.run() == 0
    await world.run()

    assert (await world.state(key.text, export_id))["state"] == "failed"
    assert (await world.download(key.text, export_id)).status_code == 409
    assert world.told() == [("Requested", key.key_id), ("Failed", key.key_id)]
