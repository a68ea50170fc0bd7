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
#: What a world leaves behind goes row by row: it is little, and TRUNCATE makes files.
EMPTY = """
CREATE FUNCTION sim.empty_vault() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  DELETE FROM vault.audience; DELETE FROM vault.contact; DELETE FROM vault.content;
  DELETE FROM vault.sender; DELETE FROM vault.signing_key; DELETE FROM vault.suppression;
END $$;
CREATE FUNCTION sim.empty_pipeline() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  DELETE FROM pipeline.waiting; DELETE FROM pipeline.release; DELETE FROM pipeline.attempt_set;
  DELETE FROM pipeline.deferral; DELETE FROM pipeline.batch; DELETE FROM pipeline.poison;
  DELETE FROM pipeline.planned; DELETE FROM pipeline.scheduled_launch;
  DELETE FROM pipeline.campaign;
  DELETE FROM pipeline.cap; DELETE FROM pipeline.bucket; DELETE FROM pipeline.deficit;
  DELETE FROM pipeline.cap_rule; DELETE FROM pipeline.ip; DELETE FROM pipeline.tenant;
  DELETE FROM pipeline.warmup; DELETE FROM pipeline.volume_quota; DELETE FROM pipeline.volume_rate;
  DELETE FROM pipeline.volume_bucket; DELETE FROM pipeline.volume_breaker; DELETE FROM pipeline.use;
  DELETE FROM pipeline.volume_phase; DELETE FROM pipeline.mailbox; DELETE FROM pipeline.domain_ip;
  DELETE FROM pipeline.plan; DELETE FROM app.cursor; DELETE FROM app.freshness;
  UPDATE pipeline.gate SET open = false, incarnation = '', beat = 0, keeper = '',
    epoch = 0, holder = '', holder_log = '';
END $$;
"""
#: The database is a world's: it need not outlive the machine, and plans may not depend on how many
#: worlds were there before.
SETTINGS = {
    "search_path": "sim, pg_catalog, public",
    "synchronous_commit": "off",
    "plan_cache_mode": "force_generic_plan",
}


def install(dsn: str) -> None:
    """Let every connection to this database take the time from the simulation."""
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(DOORS.encode())
        conn.execute(EMPTY.encode())
        for name, value in SETTINGS.items():
            told = f"ALTER DATABASE {conn.info.dbname} SET {name} = {value}"
            conn.execute(told.encode())


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

    def until_tomorrow_s(self) -> float:
        """How long this day of UTC still lasts, and a second of the next."""
        today = self.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return (today + timedelta(days=1, seconds=1) - self.now()).total_seconds()

    @contextmanager
    def everywhere(self) -> Iterator[None]:
        """Production code asks this clock while the context lasts."""
        with pytest.MonkeyPatch.context() as patch:
            for module in MODULES:
                patch.setattr(module, "time", SimpleNamespace(monotonic=self.monotonic))
            patch.setattr(dispatcher, "Cell", partial(cells.Cell, self.monotonic))
            yield
