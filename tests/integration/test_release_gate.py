"""The gate: nothing leaves while Postgres or the log may have been restored, or the fold lags."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from adapters import kafka_log, postgres
from adapters.kafka_log import Draft, KafkaLog, LogUnavailable, now_meta
from adapters.log_ends import KafkaLogEnds
from domain.authority import NOT_HELD, SendAuthorityTaken
from domain.campaign import CampaignCancelled
from domain.event import Topic
from domain.platform import PLATFORM
from tests.release_kit import World
from tests.schedule_kit import KeptLog, KnownEnds, change, ended, rows

pytestmark = pytest.mark.stack

LONG_S = 1e7  # a slice deadline that no server here has been up for


@pytest.fixture
async def world(dsn: str) -> World:
    """Ten sends wait, and the log has attempts in it."""
    made = World(dsn, KnownEnds(attempts=50))
    await made.campaign(await made.tenant(), [10])
    return made


@pytest.fixture
def log() -> KeptLog:
    return KeptLog()


def gate_of(world: World) -> tuple[bool, str]:
    """(whether a claim may go through, the reason)."""
    found = rows(
        world.dsn,
        "SELECT open AND incarnation = pipeline.incarnation(), reason FROM pipeline.gate",
    )
    return bool(found[0][0]), str(found[0][1])


def opened_in_another_life(world: World) -> None:
    """Postgres has restarted since the gate was opened, restored or not."""
    change(world.dsn, "UPDATE pipeline.gate SET open = true, incarnation = 'another life'")


# ---- how it opens


async def test_before_anything_was_ever_attempted_it_opens_at_once(dsn: str, log: KeptLog) -> None:
    world = World(dsn)
    await world.campaign(await world.tenant(), [10])

    async with world.releaser(log, deadline_s=LONG_S) as releaser:
        assert await releaser.tick() == 10


async def test_it_waits_for_the_deadline_of_whoever_may_have_claimed(
    world: World, log: KeptLog
) -> None:
    opened_in_another_life(world)
    async with world.releaser(log, deadline_s=LONG_S) as releaser:
        early = await releaser.tick()
        closed = gate_of(world)
    async with world.releaser(log, deadline_s=0.0) as releaser:
        late = await releaser.tick()

    assert (early, late) == (0, 10)
    assert closed[0] is False
    assert "restored" in closed[1]
    assert gate_of(world) == (True, "")


async def test_it_opens_at_once_when_the_releaser_knows_that_nothing_was_lost(
    world: World, log: KeptLog, tmp_path: Path
) -> None:
    await _run_once(world, log, tmp_path / "seen.json")
    opened_in_another_life(world)
    await world.campaign(await world.tenant(), [7])

    async with world.releaser(log, deadline_s=LONG_S, memory=tmp_path / "seen.json") as releaser:
        assert await releaser.tick() == 7


async def _run_once(world: World, log: KeptLog, memory: Path) -> None:
    """The releaser was active in an earlier life of Postgres."""
    async with world.releaser(log, deadline_s=0.0, memory=memory) as releaser:
        await releaser.tick()


@pytest.mark.parametrize(
    "restored",
    [
        "UPDATE pipeline.gate SET beat = beat - 1",  # to an older state
        "UPDATE pipeline.gate SET keeper = 'another releaser'",  # who was active since
    ],
)
async def test_it_waits_when_the_count_in_postgres_is_not_the_one_kept_outside(
    world: World, log: KeptLog, tmp_path: Path, restored: str
) -> None:
    await _run_once(world, log, tmp_path / "seen.json")
    opened_in_another_life(world)
    change(world.dsn, restored)

    async with world.releaser(log, deadline_s=LONG_S, memory=tmp_path / "seen.json") as releaser:
        await releaser.tick()

    assert gate_of(world)[0] is False


@pytest.mark.parametrize("content", ['{"keeper": 1, "more": 2}', "half a fi", "[]"])
async def test_it_waits_when_what_was_kept_outside_is_of_no_use(
    world: World, log: KeptLog, tmp_path: Path, content: str
) -> None:
    opened_in_another_life(world)
    (tmp_path / "seen.json").write_text(content)

    async with world.releaser(log, deadline_s=LONG_S, memory=tmp_path / "seen.json") as releaser:
        assert await releaser.tick() == 0


async def test_it_waits_when_postgres_is_on_another_history(
    world: World, log: KeptLog, tmp_path: Path
) -> None:
    """A restore to a moment begins a new timeline."""
    memory = tmp_path / "seen.json"
    await _run_once(world, log, memory)
    kept = json.loads(memory.read_text())
    memory.write_text(json.dumps(kept | {"history": kept["history"][:-1] + "2"}))
    opened_in_another_life(world)

    async with world.releaser(log, deadline_s=LONG_S, memory=memory) as releaser:
        await releaser.tick()

    assert gate_of(world)[0] is False


async def test_it_does_not_open_before_the_schedule_has_read_up_to_the_end(
    world: World, log: KeptLog
) -> None:
    world.ends.at["pm.attempts", 0] = 60
    async with world.releaser(log, deadline_s=0.0) as releaser:
        assert await releaser.tick() == 0
        assert gate_of(world)[0] is False
        world.read_up_to_the_end()
        world.ends.at["pm.attempts", 0] = 99  # written later: what was found out still holds
        releaser._gate._due = 0.0

        assert await releaser.tick() == 10


async def test_a_restarted_releaser_catches_up_first_while_claims_go_on(
    world: World, log: KeptLog
) -> None:
    async with world.releaser(log, deadline_s=0.0) as releaser:
        await releaser.tick()
    await world.campaign(await world.tenant(), [5])
    world.ends.at["pm.requests", 0] = 7

    async with world.releaser(log, deadline_s=LONG_S) as releaser:
        behind = await releaser.tick()
        claims = gate_of(world)[0]
        world.read_up_to_the_end()
        releaser._gate._due = 0.0

        assert (behind, claims, await releaser.tick()) == (0, True, 5)


# ---- how it closes


@pytest.mark.parametrize("already_open", ["open", "new"])
async def test_a_cursor_beyond_the_end_of_the_log_closes_it(
    world: World, log: KeptLog, already_open: str
) -> None:
    async with world.releaser(log, deadline_s=0.0) as releaser:
        if already_open == "open":
            await releaser.tick()
        world.ends.at["pm.attempts", 0] = 49
        releaser._gate._due = 0.0
        await releaser.tick()
        await world.campaign(await world.tenant(), [5])
        sent = await releaser.tick()

    assert sent == 0
    assert gate_of(world)[0] is False
    assert "Kafka was restored to an older state" in gate_of(world)[1]


async def test_another_log_closes_it(world: World, log: KeptLog) -> None:
    world.ends.log_id = "log_b"

    async with world.releaser(log, deadline_s=0.0) as releaser:
        sent = await releaser.tick()

    assert sent == 0
    assert gate_of(world)[0] is False
    assert "log_b" in gate_of(world)[1]


class SilentEnds(KnownEnds):
    """A Kafka that does not answer."""

    async def ends(self, topics: Sequence[str]) -> dict[tuple[str, int], int]:
        raise LogUnavailable(f"{topics}")


async def test_without_an_answer_of_the_log_nothing_is_released_and_claims_go_on(
    world: World, log: KeptLog
) -> None:
    async with world.releaser(log, deadline_s=0.0) as releaser:
        await releaser.tick()
    await world.campaign(await world.tenant(), [5])
    world.ends = SilentEnds(50)

    async with world.releaser(log, deadline_s=0.0) as releaser:
        assert await releaser.tick() == 0
    assert gate_of(world)[0] is True


# ---- what it guards


async def test_a_stale_schedule_releases_withdraws_and_ends_nothing(
    world: World, log: KeptLog
) -> None:
    async with world.releaser(log, deadline_s=0.0) as releaser:
        await releaser.tick()
        launch = await world.campaign(await world.tenant(), [5])
        names = {"tenant_id": launch.tenant_id, "campaign_id": launch.campaign_id}
        await world.tell(CampaignCancelled(**names, reason=""))
        change(world.dsn, "UPDATE pipeline.release SET lease_until = now() - interval '1 s'")
        world.be_fresh(age_s=11)
        log.take()

        stale = await releaser.tick()
        told = log.take()
        world.be_fresh(age_s=1)
        await releaser.tick()

    assert (stale, told) == (0, [])
    assert {type(event).__name__ for event in log.take()} == {"SliceReleased", "SendsCancelled"}


async def test_a_gate_that_somebody_else_closed_holds_every_tick(
    world: World, log: KeptLog
) -> None:
    async with world.releaser(log, deadline_s=0.0) as releaser:
        await releaser.tick()
        await world.campaign(await world.tenant(), [5])
        change(world.dsn, "UPDATE pipeline.gate SET open = false")

        assert await releaser.tick() == 0


# ---- the real log


async def test_the_real_log_tells_its_ends_and_which_one_it_is(
    server: dict[str, str], log_prefix: str
) -> None:
    async with KafkaLogEnds(server["bootstrap"], log_prefix) as ends:
        before = await ends.ends([Topic.REQUESTS])
        async with KafkaLog(server["bootstrap"], log_prefix) as kafka:
            event = ended("bat_a", [[0, 1]])
            await kafka.append([Draft(Topic.REQUESTS, event, now_meta("ten_a"), "bat_a")])
        after = await ends.ends([Topic.REQUESTS])
        identity = await ends.identity()

    assert set(before) == {(Topic.REQUESTS.value, part) for part in range(4)}
    assert set(before.values()) == {1}
    assert sum(after.values()) == sum(before.values()) + 1
    assert identity == await kafka_log.ensure_topics(server["bootstrap"], log_prefix, 1)


async def test_the_real_schedule_reader_and_the_gate_agree_on_where_it_stands(
    dsn: str, server: dict[str, str], log_prefix: str, log: KeptLog
) -> None:
    """Cursors name topics without prefix, as the ends do; the gate opens on real ones."""
    from projections.session import Place, opened
    from streams.releasing.gate import Gate, Memory
    from tests.schedule_kit import fold

    place = Place(dsn, server["bootstrap"], log_prefix)
    async with (
        await postgres.connect(dsn, "pm_projector") as conn,
        opened(place, conn, fold(), None) as session,
    ):
        while not session.reached(await session.ends()):
            await session.step()
    async with (
        KafkaLogEnds(server["bootstrap"], log_prefix) as ends,
        await postgres.connect(dsn, "pm_release") as conn,
    ):
        gate = Gate(ends, slice_deadline_s=LONG_S, memory=Memory())

        assert await gate.passed(conn)


# ---- send authority


async def held_by(world: World, stack: str, epoch: int = 1, log_id: str = "") -> None:
    """The schedule folds that a stack took authority over."""
    taken = SendAuthorityTaken(
        tenant_id=PLATFORM, epoch=epoch, stack_id=stack, log_id=log_id, reason="a test"
    )
    await world.tell(taken)


async def test_only_the_holder_of_send_authority_releases_and_it_says_who_that_is(
    world: World, log: KeptLog
) -> None:
    await held_by(world, "stk_original")
    await held_by(world, "stk_stale", epoch=0)
    async with world.releaser(log, stack_id="stk_copy") as releaser:
        assert await releaser.tick() == 0
        closed = gate_of(world)
    async with world.releaser(log, stack_id="stk_original") as releaser:
        assert await releaser.tick() == 10

    assert closed[0] is False
    assert closed[1].startswith(NOT_HELD)
    assert "held by stack stk_original" in closed[1]
    assert "penguin authority take" in closed[1]
    assert rows(world.dsn, "SELECT DISTINCT epoch FROM pipeline.release") == [(1,)]


async def test_an_open_gate_closes_when_another_stack_takes_over(
    world: World, log: KeptLog
) -> None:
    await held_by(world, "stk_a")
    async with world.releaser(log, stack_id="stk_a") as releaser:
        await releaser.tick()
        assert gate_of(world) == (True, "")

    await held_by(world, "stk_b", epoch=2)
    async with world.releaser(log, stack_id="stk_a") as releaser:
        await world.campaign(await world.tenant(), [7])
        assert await releaser.tick() == 0

    assert gate_of(world)[0] is False


async def test_a_stack_waits_while_nobody_holds_authority(world: World, log: KeptLog) -> None:
    async with world.releaser(log, stack_id="stk_a") as releaser:
        assert await releaser.tick() == 0

    assert "nobody holds send authority" in gate_of(world)[1]


async def test_authority_over_another_log_is_none(world: World, log: KeptLog) -> None:
    await held_by(world, "stk_a", log_id="log_other")
    async with world.releaser(log, stack_id="stk_a") as releaser:
        assert await releaser.tick() == 0

    assert "log_other" in gate_of(world)[1]


async def test_postgres_and_kafka_restored_together_are_found_out_until_a_new_epoch(
    world: World, log: KeptLog, tmp_path: Path
) -> None:
    """Both agree with each other; what the releaser kept outside of both does not."""
    memory = tmp_path / "seen.json"
    world.ends.at["pm.attempts", 0] = 60
    world.read_up_to_the_end()
    await _run_once(world, log, memory)
    world.ends.at["pm.attempts", 0] = 50
    change(world.dsn, "UPDATE app.cursor SET next_offset = 50 WHERE topic = 'pm.attempts'")
    await world.campaign(await world.tenant(), [7])

    async with world.releaser(log, memory=memory) as releaser:
        assert await releaser.tick() == 0
    assert "it held 60 before" in gate_of(world)[1]

    await held_by(world, "", epoch=1)
    async with world.releaser(log, memory=memory) as releaser:
        assert await releaser.tick() == 7
