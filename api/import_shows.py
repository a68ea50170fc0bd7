"""An import and how far it is, as answers and live changes tell it."""

from __future__ import annotations

from datetime import datetime
from typing import Any


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """An import as answers show it. What is not told to the log yet is not done."""
    found = dict(row)
    job = {
        name: found.pop(name) for name in ("phase", "rows_done", "cancel", "began_at", "moved_at")
    }
    lines = found.pop("lines")
    pending = job["phase"] is not None
    if pending and found["state"] == "done":
        found |= {"state": "running", "ended_at": None}
        job["phase"] = "suppressing"
    total = max(lines - 1, 0)
    progress = _progress(job, total) if pending else _at_rest(found)
    return {"object": "import"} | found | {"progress": progress}


def _progress(job: dict[str, Any], total: int) -> dict[str, Any]:
    rate = _rate(job["began_at"], job["moved_at"], job["rows_done"])
    left = max(total - job["rows_done"], 0)
    reading = job["phase"] == "reading" and rate
    return {
        "phase": job["phase"],
        "rows_done": job["rows_done"],
        "rows_total": total,  # as its lines tell: a row may have several
        "rows_per_s": rate,
        "eta_s": round(left / rate, 1) if reading and rate else None,
        "cancelling": job["cancel"],
    }


def _at_rest(found: dict[str, Any]) -> dict[str, Any]:
    done = {"phase": "", "rows_done": found["rows"], "rows_total": found["rows"]}
    return done | {"rows_per_s": None, "eta_s": None, "cancelling": False}


def _rate(began: datetime | None, moved: datetime | None, rows: int) -> float | None:
    took_s = (moved - began).total_seconds() if began and moved else 0.0
    return round(rows / took_s, 1) if took_s > 0 and rows else None
