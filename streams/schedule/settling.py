"""Whether all of a campaign has come to its end."""

from __future__ import annotations

from pathlib import Path

from adapters.postgres import named_sql
from projections.fold import Connection

SQL = named_sql(Path(__file__).with_name("queries.sql"))


async def settled(conn: Connection, campaign_id: str) -> bool:
    """Every requested send has its end and no owner may still speak (design-fixes.md 9)."""
    cursor = await conn.execute(SQL["settled"], {"campaign_id": campaign_id})
    row = await cursor.fetchone()
    return bool(row and row[0])
