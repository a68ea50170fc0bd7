"""The read models' folds on real Postgres: any order of partitions gives the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import psycopg
import pytest
from psycopg import sql

from adapters import postgres
from domain.event import Recorded
from domain.sending import BatchPlanned, rank, state_of
from projections import models
from projections.fold import Fold

pytestmark = pytest.mark.stack
SEEDS = range(4)


async def fold(dsn: str, made: Fold, polls: Iterable[list[Recorded]]) -> None:
    """Apply polls as the runner does, each in its transaction, topics in the fold's order."""
    order = {topic.value: number for number, topic in enumerate(made.topics)}
    async with await postgres.connect(dsn, "pm_projector") as conn:
        for poll in polls:
            known = [record for record in poll if record.topic in order]
            known.sort(key=lambda record: order[record.topic])
            async with conn.transaction():
                await made.apply(conn, known)


def empty(dsn: str, name: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as conn:
        for table in models.MODELS[name].tables(1):
            conn.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier("rm", table)))


@pytest.mark.parametrize("name", models.MODELS)
async def test_i9_any_order_of_partitions_gives_the_same_rows(
    read_models: str,
    name: str,
    tell: Callable[..., Any],
    rows_of: Callable[..., dict[str, list[Any]]],
) -> None:
    """Whatever partition is read first, in polls of whatever size."""
    for seed in SEEDS:
        history = tell(seed)
        found = []
        for order in (1, 2, 3):
            empty(read_models, name)
            await fold(read_models, models.MODELS[name].fold(1), history.interleaved(order))
            found.append(rows_of(name))

        assert all(found[0].values())
        assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("name", models.MODELS)
async def test_i3_what_stands_in_the_log_twice_counts_once(
    read_models: str,
    name: str,
    tell: Callable[..., Any],
    rows_of: Callable[..., dict[str, list[Any]]],
) -> None:
    """A record appended again after a lost answer changes no state and no counter."""
    hidden = (
        *("send_batch", "send_fact", "send_signal", "sending_ip_v", "campaign_v"),
        "plan_limit",
    )  # these name offsets
    history = tell(7)
    await fold(read_models, models.MODELS[name].fold(1), history.interleaved(1))
    once = rows_of(name)
    history.repeat(0.4)
    empty(read_models, name)

    await fold(read_models, models.MODELS[name].fold(1), history.interleaved(2))

    twice = rows_of(name)
    assert all(twice[table] == once[table] for table in once if not table.startswith(hidden))


async def test_i6_counters_are_the_ledgers_rows_and_add_up_to_what_was_requested(
    read_models: str, tell: Callable[..., Any]
) -> None:
    """Per campaign and state, and at rest nothing is left open that the history concluded."""
    history = tell(3, campaigns=4)
    await fold(read_models, models.MODELS["send_ledger"].fold(1), history.interleaved(5))

    with psycopg.connect(read_models) as conn:
        ledger = conn.execute(
            "SELECT campaign_id, state, count(*) FROM rm.send_ledger GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
        counters = conn.execute(
            "SELECT campaign_id, state, sum(sends)::bigint FROM rm.campaign_counters"
            " WHERE sends <> 0 GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
        planned = conn.execute("SELECT planned_total FROM rm.campaign").fetchall()
    assert ledger == counters
    assert [total for (total,) in planned] == [11] * 4
    assert not {state for _, state, _ in ledger} & {"waiting", "started"}


async def test_the_first_definite_outcome_of_an_attempt_counts(
    read_models: str, tell: Callable[..., Any]
) -> None:
    """A later record that contradicts it is kept in the story but moves nothing."""
    history = tell(11)
    await fold(read_models, models.MODELS["send_ledger"].fold(1), history.interleaved(1))

    with psycopg.connect(read_models) as conn:
        late = conn.execute(
            "SELECT count(*), count(*) FILTER (WHERE isempty(counted)) FROM rm.send_fact"
            " WHERE source = 'sweeper'"
        ).fetchone()
        moved = conn.execute(
            "SELECT count(*) FROM rm.send_ledger WHERE reason = 'late' AND state <> 'ambiguous'"
        ).fetchone()
    assert late is not None
    assert late[0] == late[1] > 0
    assert moved == (0,)


async def test_a_plan_whose_ids_do_not_add_up_is_refused(
    read_models: str, tell: Callable[..., Any]
) -> None:
    """Better among the dead letters than a ledger that counts wrong."""
    records = [r for polls in tell(1).interleaved(1) for r in polls]
    record = next(r for r in records if isinstance(r.event, BatchPlanned))
    record.event.send_ids.append("snd_too_many")

    with pytest.raises(ValueError, match="were to be there"):
        await fold(read_models, models.MODELS["send_ledger"].fold(1), [[record]])


def test_the_databases_states_are_the_domains(read_models: str) -> None:
    """rm.send_state and domain.sending.state_of say the same of every weight."""
    from domain.sending import STARTED, WAITING, Outcome

    kinds: list[Outcome | int] = [WAITING, STARTED, *Outcome]
    weights = [rank(kind, n) for n in (1, 2, 9) for kind in kinds]

    with psycopg.connect(read_models) as conn:
        found = conn.execute(
            "SELECT array_agg(rm.send_state(w) ORDER BY o) FROM unnest(%s::int[])"
            " WITH ORDINALITY AS x (w, o)",
            (weights,),
        ).fetchone()
    assert found == ([state_of(weight) for weight in weights],)
