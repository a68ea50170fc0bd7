"""What answers about templates, senders, domains, mailboxes and servers look like."""

from __future__ import annotations

from typing import Any

from api.problems import KINDS, MEDIA_TYPE
from api.shapes import AS_OF, Shape, schema

ASKED = ("unauthorized", "tenant_missing", "invalid", "forbidden", "unavailable")
#: What any command may answer besides.
TOLD = ("not_found", "wrong_state", *ASKED)
POSITION = {"position": 4711}


def answers(description: str, example: dict[str, Any], *problems: str, status: int = 200) -> Shape:
    """OpenAPI's answers of a route: its own, shaped like the example, and these problems."""
    content = {"application/json": {"schema": schema(example), "example": example}}
    found: Shape = {status: {"description": description, "content": content}}
    for code in problems:
        kind = KINDS[code]
        found[kind.status] = {"description": kind.title, "content": {MEDIA_TYPE: {}}}
    return found


def listing(description: str, example: dict[str, Any], *problems: str) -> Shape:
    """As `answers`, of a page of a list."""
    page: dict[str, Any] = {"object": "list", "data": [example], "has_more": True}
    page |= {"next_cursor": "q83vEjRWeJA", "as_of": AS_OF}
    return answers(description, page, *problems, *ASKED)


def question(description: str, example: dict[str, Any]) -> Shape:
    """As `answers`, of one thing."""
    return answers(description, example | {"as_of": AS_OF}, "not_found", *ASKED)


def command(description: str, example: dict[str, Any], status: int = 200) -> Shape:
    """As `answers`, of what a command came to."""
    return answers(description, example | POSITION, *TOLD, status=status)


def edit(description: str, example: dict[str, Any]) -> Shape:
    """As `command`, of one that heeds If-Match."""
    return answers(description, example | POSITION, "precondition_failed", *TOLD)


_DNS = {
    "type": "TXT",
    "name": "_pm.example.com",
    "value": "pm-verification=agnhktnyof5u3c7bbk3ktt7c4a",
    "purpose": "that the domain is yours",
    "needed": True,
    "line": '_pm.example.com. 3600 IN TXT "pm-verification=agnhktnyof5u3c7bbk3ktt7c4a"',
    "state": "missing",
    "found": ["v=spf1 -all"],
    "error": "there is no TXT record at _pm.example.com yet; publish it, then check again",
    "looked_at": "2026-01-05T09:00:00.000000Z",
}
_DOMAIN_SHORT = {
    "object": "domain",
    "domain_id": "dom_agnhktnyof5u3c7bbk3ktt7c4a",
    "domain": "example.com",
    "workspace_id": "",
    "state": "failed",
    "missing": ["TXT _pm.example.com"],
    "added_at": "2026-01-05T08:00:00.000000Z",
    "verified_at": None,
    "changed_at": "2026-01-05T09:00:00.000000Z",
}
_RECORDS = {
    "object": "domain",
    "domain_id": _DOMAIN_SHORT["domain_id"],
    "domain": "example.com",
} | {
    "state": "failed",
    "records": [_DNS],
}
_KEY = {
    "selector": "pm1",
    "algorithm": "rsa",
    "public_key": "MIIBIjANBgkqhkiG9w0BAQEFAAOC",
    "state": "active",
    "created_at": "2026-01-05T08:00:00.000000Z",
    "activated_at": "2026-01-05T08:00:00.000000Z",
    "retires_at": None,
    "retired_at": None,
}
_ASSIGNED = {"ip": "ip_agnhktnyoh6v5hs3a7mlytmzhu", "assigned_at": "2026-01-05T08:00:00.000000Z"}
DOMAINS = listing("A page of sending domains", _DOMAIN_SHORT)
DOMAIN = question(
    "The domain, its DNS records, keys and sending IPs",
    _DOMAIN_SHORT | {"records": [_DNS], "keys": [_KEY], "ips": [_ASSIGNED]},
)
DOMAIN_ADDED = command("It is added; publish these records", _RECORDS, 201)
DOMAIN_CHECKED = command("What DNS says now", _RECORDS)
DOMAIN_TOLD = command(
    "Done", {"object": "domain", "domain_id": _DOMAIN_SHORT["domain_id"], "state": "removed"}
)
_NEXT_KEY = {
    "object": "dkim_key",
    "domain_id": _DOMAIN_SHORT["domain_id"],
    "selector": "pm2",
    "algorithm": "rsa",
    "public_key": _KEY["public_key"],
}
_KEY_RECORD = _DNS | {
    "name": "pm2._domainkey.example.com",
    "value": "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0B",
    "purpose": "DKIM, rsa: the next key; publish it, then activate it",
    "needed": False,
    "line": 'pm2._domainkey.example.com. 3600 IN TXT "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0B"',
    "state": "differs",
    "found": ["v=DKIM1; k=rsa; p="],
    "error": "the TXT record at pm2._domainkey.example.com says something else",
}
KEY_CREATED = command(
    "It is made; publish its record", _NEXT_KEY | {"state": "pending", "record": _KEY_RECORD}, 201
)
KEY_ACTIVATED = command(
    "It signs from now on",
    _NEXT_KEY | {"state": "active", "record": _KEY_RECORD | {"state": "verified", "error": ""}},
)
KEY_RETIRED = command("It is destroyed", _NEXT_KEY | {"selector": "pm1", "state": "retired"})
DOMAIN_IP = edit(
    "Done",
    {"object": "domain_ip", "domain_id": _DOMAIN_SHORT["domain_id"], "ip": _ASSIGNED["ip"]}
    | {"assigned": True},
)

_SENDER = {
    "object": "sender",
    "sender_id": "sdr_7xq2ln3kzv4m5ydxw6p7c2hbre",
    "address": "news@example.com",
    "name": "Example News",
    "domain": "example.com",
    "domain_verified": True,
}
SENDERS = listing("A page of From addresses", _SENDER)
SENDER_SAVED = answers("It is kept", _SENDER, "not_found", *ASKED, status=201)

_MAILBOX = {
    "object": "mailbox",
    "mailbox_id": "mbx_agnhktnyoh6v5hs3a7mlytmzhu",
    "address": "ann@example.com",
    "domain_id": _DOMAIN_SHORT["domain_id"],
    "workspace_id": "",
    "daily_limit": 50,
    "warmup_wanted": True,
    "state": "active",
    "reason": "",
    "protocols": ["smtp"],
    "created_at": "2026-01-05T08:00:00.000000Z",
    "changed_at": "2026-01-05T08:00:00.000000Z",
}
_MAILBOX_TOLD = {"object": "mailbox", "mailbox_id": _MAILBOX["mailbox_id"]} | {
    name: _MAILBOX[name] for name in ("domain_id", "daily_limit", "warmup_wanted", "state")
}
MAILBOXES = listing("A page of mailboxes", _MAILBOX)
MAILBOX = question("The mailbox, without its credentials", _MAILBOX)
MAILBOX_CREATED = command("It is there", _MAILBOX_TOLD, 201)
MAILBOX_TOLD = command("Its state now", _MAILBOX_TOLD)
MAILBOX_EDITED = edit("Its state now", _MAILBOX_TOLD)

_VPS = {
    "object": "vps",
    "vps_id": "vps_agnhktnyoh6v5hs3a7mlytmzhu",
    "name": "Mail 1",
    "region": "fra",
    "state": "active",
    "reason": "",
    "registered_at": "2026-01-05T08:00:00.000000Z",
    "changed_at": "2026-01-05T08:00:00.000000Z",
    "ips": ["ip_agnhktnyoh6v5hs3a7mlytmzhu"],
}
_VPS_TOLD = {name: _VPS[name] for name in ("object", "vps_id", "state")}
SERVERS = listing("A page of VPS", _VPS)
SERVER = question("The VPS and its sending IPs", _VPS)
SERVER_REGISTERED = command("It is registered", _VPS_TOLD, 201)
SERVER_TOLD = edit("Its state now", _VPS_TOLD)

_IP_TOLD = {"object": "sending_ip", "ip": "ip_agnhktnyoh6v5hs3a7mlytmzhu", "state": "active"}
IP_ADDED = command("The tenant may send from it", _IP_TOLD, 201)
IP_TOLD, IP_EDITED = command("Done", _IP_TOLD), edit("Done", _IP_TOLD)
