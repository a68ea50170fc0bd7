"""What commands about warm-up need: whose an IP is, and curves as people write them."""

from __future__ import annotations

import re
from pathlib import Path

from api.desk import Desk, Desks
from domain.refusals import Invalid, NotFound
from ops import tenant_desks
from ops.launching.desk import ACTOR

TENANT_OF = "SELECT tenant_id FROM pipeline.ip WHERE ip = %s"
TENANT_OF_CAMPAIGN = "SELECT tenant_id FROM pipeline.campaign WHERE campaign_id = %s"
_REASON = re.compile(r"[^\x00-\x1f\x7f@]{1,200}")
_PROVIDER = re.compile(r"\*|[a-z0-9_.-]{0,64}")
_SEPARATORS = re.compile(r"[,;\s]+")


def desk_of(desks: Desks, ip: str) -> Desk:
    """A desk at the tenant that has this sending IP. Raises NotFound."""
    with desks.connect() as conn, conn.transaction():
        found = conn.execute(TENANT_OF, (ip,)).fetchone()
    if found is None:
        raise NotFound(f"ip: there is no sending IP {ip}; GET /v1/sending-ips lists a tenant's")
    return desks.at(str(found[0]), ACTOR)


def desk_for(desks: Desks, scope: str, scope_id: str, tenant: str) -> Desk:
    """A desk at the tenant that is named, or else has this IP or campaign.

    Raises Invalid, NotFound.
    """
    if tenant:
        return tenant_desks.found(desks, tenant)
    if scope in {"cell", "ip"}:
        return desk_of(desks, scope_id)
    if scope != "campaign":
        raise Invalid("tenant: say whose it is: --tenant with an id or name")
    with desks.connect() as conn, conn.transaction():
        found = conn.execute(TENANT_OF_CAMPAIGN, (scope_id,)).fetchone()
    if found is None:
        raise NotFound(f"scope_id: no campaign {scope_id} was launched; see `penguin events`")
    return desks.at(str(found[0]), ACTOR)


def ids(given: str) -> tuple[str, ...]:
    """Ids as people list them: `ip_a,ip_b`."""
    return tuple(word for word in _SEPARATORS.split(given) if word)


def check_words(reason: str, provider: str = "") -> None:
    """Raises Invalid for a reason that may not stand in the log, or what names no provider."""
    if not _REASON.fullmatch(reason.strip()):
        raise Invalid("reason: give up to 200 characters in one line, without names and addresses")
    if not _PROVIDER.fullmatch(provider):
        raise Invalid(
            f"provider: {provider!r} is none; write it as gmail, or * where each is meant"
        )


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
