"""One clock for everybody: Python's seconds and what Postgres calls now, moved by hand alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from types import ModuleType, SimpleNamespace

import psycopg
import pytest

from streams import sweeping
from streams.dispatching import cells, claim, dispatcher, skeletons
from streams.dispatching import slice as slices
from streams.releasing import gate, tick

#: Where production code asks for the time of this machine.
MODULES: tuple[ModuleType, ...] = (claim, dispatcher, skeletons, slices, gate, tick, sweeping)

#: Functions of Postgres that a world answers itself; found before pg_catalog's on the search path.
DOORS = """
CREATE SCHEMA sim;
GRANT USAGE ON SCHEMA sim TO PUBLIC;
CREATE UNLOGGED TABLE sim.moment (at timestamptz NOT NULL, started timestamptz NOT NULL);
GRANT SELECT ON sim.moment TO PUBLIC;
INSERT INTO sim.moment VALUES (clock_timestamp(), clock_timestamp());
CREATE FUNCTION sim.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
  RETURN (SELECT at FROM sim.moment);
CREATE FUNCTION sim.now() RETURNS timestamptz LANGUAGE sql STABLE
  RETURN (SELECT at FROM sim.moment);
CREATE FUNCTION sim.pg_postmaster_start_time() RETURNS timestamptz LANGUAGE sql STABLE
  RETURN (SELECT started FROM sim.moment);
CREATE OR REPLACE FUNCTION pipeline.incarnation() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog
  RETURN 'sim/' || (SELECT started FROM sim.moment)::text;
"""


def install(dsn: str) -> None:
    """Let every connection to this database take the time from the simulation."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(DOORS.encode())
        name = conn.info.dbname.encode()
        conn.execute(b"ALTER DATABASE " + name + b" SET search_path = sim, pg_catalog, public")


class Clock:
    """Seconds since a simulation's beginning, as a moment and as a monotonic count."""

    def __init__(self, begin: datetime) -> None:
        self.begin = begin
        self.passed_s = 0.0

    def monotonic(self) -> float:
        """As time.monotonic."""
        return 1000.0 + self.passed_s

    def now(self) -> datetime:
        """The moment in UTC."""
        return self.begin + timedelta(seconds=self.passed_s)

    @contextmanager
    def everywhere(self) -> Iterator[None]:
        """Production code asks this clock while the context lasts."""
        with pytest.MonkeyPatch.context() as patch:
            for module in MODULES:
                patch.setattr(module, "time", SimpleNamespace(monotonic=self.monotonic))
            patch.setattr(dispatcher, "Cell", partial(cells.Cell, self.monotonic))
            yield
