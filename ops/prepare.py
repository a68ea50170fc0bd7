"""What must be there before a role starts: the schema in Postgres, the topics in Kafka."""

from __future__ import annotations

import asyncio

from adapters import kafka_log, postgres
from adapters.sealing import ensure_key_file
from adapters.settings import Settings
from ops.migrations import FOLDERS
from projections.models import ensure_schemas


async def prepare(bootstrap: str, dsn: str, replication_factor: int, prefix: str = "") -> str:
    """Apply missing migrations and make missing topics; returns the log's id. Safe to repeat."""
    _, log_id = await asyncio.gather(
        asyncio.to_thread(_prepare_database, dsn),
        kafka_log.ensure_topics(bootstrap, prefix, replication_factor),
    )
    return log_id


def _prepare_database(dsn: str) -> None:
    postgres.migrate(dsn, FOLDERS)
    ensure_schemas(dsn)


def run(settings: Settings) -> None:
    """The one-shot role `migrate`: prepare the servers of the environment, with a key file."""
    if settings.secret_key_file:
        ensure_key_file(settings.secret_key_file)
    asyncio.run(
        prepare(
            settings.kafka_bootstrap,
            settings.database_url,
            settings.replication_factor,
            settings.prefix,
        )
    )
