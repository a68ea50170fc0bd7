"""How much of everything a seeded stack holds: a few big tenants, many small ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ops.errors import Usage

TENANTS_MAX, LEADS_MAX, SENDS_MAX = 100_000, 20_000_000, 100_000_000
#: Tenant number r (from 0) weighs 1 / (r + SKEW): the biggest of 10,000 has a twenty-fifth of all.
SKEW = 2
DAYS = 90  # campaigns lie within the last so many days


@dataclass(frozen=True)
class Shape:
    """What was asked for. Equal shapes give equal ids, so that seeding again changes nothing."""

    tenants: int
    leads: int
    sends: int


@dataclass(frozen=True)
class Share:
    """What one tenant has: `campaigns` are the sends of each, in the order of their launch."""

    number: int  # of the tenant, from 1
    leads: int
    campaigns: tuple[int, ...]


def check(shape: Shape) -> None:
    """Raises Usage naming what cannot be."""
    bounds = (("tenants", 1, TENANTS_MAX), ("leads", 0, LEADS_MAX), ("sends", 0, SENDS_MAX))
    for name, low, high in bounds:
        if not low <= getattr(shape, name) <= high:
            raise Usage(f"--{name} {getattr(shape, name)}: give a number from {low} to {high}")
    if shape.sends and shape.leads < shape.tenants:
        raise Usage(
            f"--leads {shape.leads}: each of the {shape.tenants} tenants needs one to send to"
        )


def shares(shape: Shape) -> Iterator[Share]:
    """Each tenant's share; together exactly what was asked for."""
    leads = parts(shape.leads, shape.tenants, at_least=1 if shape.sends else 0)
    sends = parts(shape.sends, shape.tenants, at_least=0)
    for number, (own, mails) in enumerate(zip(leads, sends, strict=True), 1):
        yield Share(number, own, tuple(_campaigns(mails, own)))


def parts(total: int, count: int, *, at_least: int) -> Iterator[int]:
    """`total` in `count` falling parts of at least so much each."""
    free = total - at_least * count
    weights = (1 / (rank + SKEW) for rank in range(count))
    whole = sum(1 / (rank + SKEW) for rank in range(count))
    given = 0
    for running in itertools.accumulate(weights):
        upto = round(free * running / whole)
        yield at_least + upto - given
        given = upto


def _campaigns(sends: int, leads: int) -> Iterator[int]:
    """Each campaign mails all leads of the tenant, the last one what is left."""
    while sends > 0:
        yield min(sends, leads)
        sends -= leads


def launched_at(now: datetime, nth: int, count: int) -> datetime:
    """When the nth of so many campaigns was launched: spread evenly, the last one a day ago."""
    return now - timedelta(days=1) - timedelta(days=DAYS - 1) * (1 - (nth + 1) / count)
