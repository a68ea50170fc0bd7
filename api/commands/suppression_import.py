"""A list of suppressions from elsewhere: each row decided, what was refused told by its line."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from typing import Any

from adapters.contacts.lead_rows import ADDRESS_COLUMNS
from adapters.message.text import field_name
from api import csv_texts
from api.commands.suppressions import Wish, check_reach, suppress_all
from api.desk import Desk
from domain.refusals import Invalid
from domain.suppression import REASONS, Reach

ROWS_MAX = 1000  # what a caller may ask for at once; the file goes in parts
REJECTS_MAX = 100
EVIDENCE = "a list that was imported"


def load(desk: Desk, body: bytes, reach: Reach) -> dict[str, Any]:
    """Suppress every address of the file. Repeating changes nothing.

    Raises Invalid for a file that is none, has no address column or too many rows.
    """
    check_reach(desk, reach)
    header, rows = _read(body)
    address_at = next((header.index(name) for name in ADDRESS_COLUMNS if name in header), None)
    if address_at is None:
        raise Invalid(f"body: no address column among {', '.join(header)}; call one of them email")
    reason_at = header.index("reason") if "reason" in header else None
    wishes = [_wish(values, address_at, reason_at, reach) for _, values in rows]
    done = suppress_all(desk, wishes, EVIDENCE)
    counts = Counter("rejected" if d.refusal else "new" if d.created else "known" for d in done)
    rejects = [
        {"line": line, "detail": one.refusal}
        for (line, _), one in zip(rows, done, strict=True)
        if one.refusal
    ]
    return {
        "rows": len(rows),
        "suppressed": counts["new"],
        "known": counts["known"],
        "rejected": counts["rejected"],
        "rejects": rejects[:REJECTS_MAX],
        "position": max((one.position for one in done if one.position), default=None),
    }


def _read(body: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        records = list(csv_texts.records(body.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise Invalid("body: it is not UTF-8; save the file in that encoding") from error
    except csv.Error as error:
        raise Invalid(f"body: it is no CSV ({error}); separate values by commas") from error
    if not records:
        raise Invalid("body: it is empty; a header line with an email column is needed")
    if len(records) > ROWS_MAX + 1:
        raise Invalid(f"body: it has more than {ROWS_MAX} rows; send it in parts")
    return [field_name(name) for name in records[0][1]], records[1:]


def _wish(values: Sequence[str], address_at: int, reason_at: int | None, reach: Reach) -> Wish:
    """A row as a wish; its address is judged later. An unknown reason is `import`."""
    address = values[address_at] if address_at < len(values) else ""
    told = values[reason_at] if reason_at is not None and reason_at < len(values) else ""
    return Wish(address.strip() or "?", "", reach, told if told in REASONS else "import")
