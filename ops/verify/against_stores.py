"""The log against Postgres: decision by decision, and each read model against its rebuild."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka.partitioner import murmur2

from adapters import codec, postgres
from domain.event import Topic
from ops import log_tail
from ops.errors import DoesNotHold
from ops.verify.report import LISTED_MAX, Report, Violation
from ops.where import Where
from projections.models import MODELS
from projections.rebuild import Busy, Rebuilt, rebuild
from projections.session import Place

SQL = postgres.named_sql(Path(__file__).with_suffix(".sql"))
ROLE = "pm_projector"
ROWS_AT_ONCE = 5000


@dataclass
class StoresReport:
    """What was compared. `waiting`: decisions that the relay has not carried yet."""

    decisions: int = 0  # in the event store
    relayed: int = 0  # of them in the log, in their place
    waiting: int = 0
    relay_position: int = 0
    read_models: list[dict[str, Any]] = field(default_factory=list)


class Relayed:
    """Positions of decisions in the log, as readers count them: in a partition they only rise."""

    def __init__(self) -> None:
        self._ids: dict[int, array[int]] = {}  # partition → hashes of event ids
        self._at: dict[int, array[int]] = {}  # partition → positions, rising

    def take(self, partition: int, pos: int, event_id: str) -> None:
        at = self._at.setdefault(partition, array("q"))
        if not at or pos > at[-1]:
            at.append(pos)
            self._ids.setdefault(partition, array("q")).append(hash(event_id))

    def by_position(self) -> dict[int, tuple[int, int]]:
        """Position → (partition, hash of the event's id)."""
        return {
            pos: (partition, identity)
            for partition, at in self._at.items()
            for pos, identity in zip(at, self._ids[partition], strict=True)
        }

    def end(self, partition: int) -> int:
        """The last position of a partition, 0: it holds none."""
        at = self._at.get(partition)
        return at[-1] if at else 0


async def compare(where: Where, report: Report, tenant: str) -> None:
    """Add to the report what log and stores say differently; of a tenant, if one is named.

    Needs the database's owner. Builds each read model once more, and removes it again. Raises
    DoesNotHold while another rebuild runs.
    """
    found = report.stores = StoresReport()
    await compare_decisions(where, found, report, tenant)
    place = Place(where.dsn, where.bootstrap, where.prefix)
    for model in MODELS.values():
        try:
            built = await rebuild(place, model, only_compare=True)
        except Busy as busy:
            raise DoesNotHold(f"{busy}; wait for it") from busy
        _model(built, found, report, tenant)


def _model(built: Rebuilt, found: StoresReport, report: Report, tenant: str) -> None:
    differing = [pair for pair in built.differing if tenant in ("", pair[1])]
    found.read_models.append(
        {
            "name": built.name,
            "equal": not differing,
            "rows": sum(built.rows.values()),
            "records": built.records,
            "differing": [{"table": table, "tenant_id": owner} for table, owner in differing],
        }
    )
    for table, owner in differing:
        _violate(report, "read_model_differs", f"{table} differs from its rebuild", owner)


# ---- the relay


async def compare_decisions(where: Where, found: StoresReport, report: Report, tenant: str) -> None:
    """Each stored decision is in the log at its position, unless the relay has yet to carry it."""
    async with await postgres.connect(where.dsn, ROLE) as conn:
        row = await (await conn.execute(SQL["standing"])).fetchone()
        found.relay_position = row[0] if row else 0
        # The log first: what it holds was committed in the store before.
        relayed, partitions = await _log(where)
        by_position = relayed.by_position()
        async with conn.transaction(), conn.cursor("decisions") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            await cursor.execute(SQL["decisions"])
            async for pos, event_id, owner in cursor:
                home = _partition(owner, partitions)
                told = by_position.pop(pos, None)
                found.decisions += 1
                if told is not None:
                    found.relayed += 1
                    if tenant in ("", owner) and told != (home, hash(event_id)):
                        detail = f"position {pos} is another decision in the log than {event_id}"
                        _violate(report, "relay_differs", detail, owner)
                elif pos > max(relayed.end(home), found.relay_position):
                    found.waiting += 1
                elif tenant in ("", owner):
                    detail = f"decision {event_id} at position {pos} is not in the log"
                    _violate(report, "relay_gap", detail, owner)
    if not tenant:
        _unknown(by_position, report)


def _unknown(rest: Collection[int], report: Report) -> None:
    for pos in sorted(rest):
        detail = f"the log holds a decision at position {pos} that the event store lacks"
        _violate(report, "relay_unknown", detail, "")


async def _log(where: Where) -> tuple[Relayed, int]:
    found = Relayed()
    async with log_tail.opened(where.bootstrap, where.prefix, [Topic.DECISIONS]) as tail:
        async for records in tail.until(await tail.ends()):
            for record in records:
                headers: Mapping[str, bytes] = dict(record.headers)
                pos = codec.pos_of(record.headers)
                if pos is not None:
                    found.take(record.partition, pos, headers.get("ce_id", b"").decode())
        return found, len(tail.partitions)


def _partition(tenant_id: str, partitions: int) -> int:
    """As the relay chooses it (adapters/decisions_topic.py)."""
    hashed: int = murmur2(tenant_id.encode())
    return (hashed & 0x7FFFFFFF) % partitions


def _violate(report: Report, kind: str, detail: str, tenant_id: str) -> None:
    report.kinds[kind] = report.kinds.get(kind, 0) + 1
    if report.kinds[kind] <= LISTED_MAX:
        report.violations.append(Violation(kind, detail, tenant_id=tenant_id))
