"""What commands about warm-up need: whose an IP is, and curves as people write them."""

from __future__ import annotations

import re
from pathlib import Path

from api.desk import Desk, Desks
from domain.refusals import Invalid, NotFound
from ops.launching.desk import ACTOR

TENANT_OF = "SELECT tenant_id FROM pipeline.ip WHERE ip = %s"
_SEPARATORS = re.compile(r"[,;\s]+")


def desk_of(desks: Desks, ip: str) -> Desk:
    """A desk at the tenant that has this sending IP. Raises NotFound."""
    with desks.connect() as conn, conn.transaction():
        found = conn.execute(TENANT_OF, (ip,)).fetchone()
    if found is None:
        raise NotFound(f"ip: there is no sending IP {ip}; GET /v1/sending-ips lists a tenant's")
    return desks.at(str(found[0]), ACTOR)


def numbers(given: str) -> tuple[int, ...]:
    """Messages a day, as `50,100,200` or as a file that holds them so or one a line.

    Raises Invalid.
    """
    text = given
    if given and not set(given) <= set("0123456789,; "):
        try:
            text = Path(given).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            told = f"curve: {given!r} is neither numbers nor a file of them ({error})"
            raise Invalid(f"{told}; write 50,100,200") from error
    words = [word for word in _SEPARATORS.split(text.strip()) if word]
    if not all(word.isdecimal() and word.isascii() for word in words):
        odd = next(word for word in words if not (word.isdecimal() and word.isascii()))
        raise Invalid(f"curve: {odd!r} is no number of messages; write 50,100,200")
    return tuple(map(int, words))
