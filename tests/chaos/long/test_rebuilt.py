"""Everything of Postgres that is a fold of the log is lost mid-campaign, and comes back from it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.chaos.kit import stack
from tests.chaos.scoreboard import keep
from tests.main_job_kit import wait_until

pytestmark = [pytest.mark.stack, pytest.mark.fault]
LEADS = 3000
LOST_AFTER = 400  # mails at the sink
FOLDS = """
SELECT schemaname, tablename FROM pg_tables
WHERE schemaname = 'pipeline' AND tablename <> 'gate'  -- its one row is a migration's
   OR schemaname = 'rm'
   OR (schemaname = 'app' AND tablename IN ('cursor', 'freshness'))
"""


def lose(dsn: str) -> None:
    """Empty the schedule, every read model and every reader's position; the vault stays."""
    with psycopg.connect(dsn) as conn:
        tables = [sql.Identifier(*row) for row in conn.execute(FOLDS).fetchall()]
        conn.execute("UPDATE pipeline.gate SET open = false, incarnation = ''")
        conn.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))


def test_a_campaign_goes_on_once_its_schedule_is_rebuilt_from_kafka(tmp_path: Path) -> None:
    """What was started before is not sent again; what waited is sent once (I4, I9)."""
    settings = {"PM_SINK_LATENCY_MS": "40"}
    with stack(tmp_path, settings=settings) as job:
        csv = job.write_leads("rebuilt", LEADS)
        sent = job.run(*job.order(csv), "--sign", "none")
        wait_until(lambda: len(job.received("rebuilt")) >= LOST_AFTER)
        job.run("down")
        before = len(job.received("rebuilt"))
        job.run("up", "--servers-only")
        lose(job.addresses["dsn"])
        job.run("down")
        job.run("up")
        campaign_id = sent["campaign_id"]
        found = job.run("campaign", "watch", campaign_id)
        sink = str(job.data / "sink" / "received.jsonl")
        proof = job.run("verify", "--campaign", campaign_id, "--against-sink", sink)
        ledger = job.run("projections", "rebuild", "send_ledger", ok=None)

    received = job.received("rebuilt")
    keep(
        "rebuilt",
        {
            "row": 90,
            "what": "schedule, read models and positions lost mid-campaign, rebuilt from Kafka",
            "size": f"{LEADS:,} sends, {before:,} of them sent before",
            "figure": f"{received.total() - len(received)} twice, {found['accepted']:,} accepted, "
            f"{found['ambiguous']} ambiguous; ledger equal to its rebuild",
            "target": "0 twice, 0 lost, the ledger as rebuilt",
            "holds": proof["ok"] and ledger["equal"] and max(received.values()) == 1,
            "command": "pytest tests/chaos/long/test_rebuilt.py",
        },
    )
    assert before < LEADS
    assert max(received.values()) == 1
    assert found["requested"] == LEADS
    assert found["accepted"] + found["ambiguous"] == LEADS
    assert proof["ok"], proof["violations"]
    assert ledger["equal"], ledger
