"""What tests stand on: one embedded stack a run, a database and a topic prefix a test.

PM_TEST_DATABASE_URL and PM_TEST_KAFKA_BOOTSTRAP point at running servers instead.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from hypothesis import settings
from psycopg import sql

from adapters import kafka_log, postgres

# How long an example takes says more of the machine than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def server() -> Iterator[dict[str, str]]:
    """Real Kafka and real Postgres: {"dsn": …, "bootstrap": …}."""
    given = os.environ.get("PM_TEST_DATABASE_URL"), os.environ.get("PM_TEST_KAFKA_BOOTSTRAP")
    if all(given):
        yield {"dsn": str(given[0]), "bootstrap": str(given[1])}
        return
    from ops.stack import testing

    with testing.shared_servers() as found:
        yield found


@pytest.fixture(scope="session")
def template_database(server: dict[str, str]) -> str:
    """A migrated database that each test's own is copied from."""
    name = f"pm_template_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server["dsn"], autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    from ops.migrations import FOLDERS

    postgres.migrate(psycopg.conninfo.make_conninfo(server["dsn"], dbname=name), FOLDERS)
    return name


@pytest.fixture
def dsn(server: dict[str, str], template_database: str) -> Iterator[str]:
    """A migrated database of the test's own, as its owner."""
    name = f"pm_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server["dsn"], autocommit=True) as conn:
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log").format(
                sql.Identifier(name), sql.Identifier(template_database)
            )
        )
    yield psycopg.conninfo.make_conninfo(server["dsn"], dbname=name)
    with psycopg.connect(server["dsn"], autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
async def log_prefix(server: dict[str, str]) -> AsyncIterator[str]:
    """A prefix under which every declared topic exists until the test ends."""
    prefix = f"t{uuid.uuid4().hex[:10]}."
    await kafka_log.ensure_topics(server["bootstrap"], prefix, 1)
    yield prefix
    admin = AIOKafkaAdminClient(bootstrap_servers=server["bootstrap"])
    await admin.start()
    await admin.delete_topics([prefix + name for name in kafka_log.declared_topics()])
    await admin.close()
