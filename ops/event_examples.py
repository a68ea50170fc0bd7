"""One example of each event type: the same every time, with ids that look like ids."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

from domain.event import Event, EventType, fields_of
from domain.ids import encode

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
RANGES = [[0, 3], [5, 6]]
ID_PREFIXES = {
    "tenant_id": "ten",
    "campaign_id": "cmp",
    "batch_id": "bat",
    "release_id": "rel",
    "content_id": "cnt",
    "template_id": "tpl",
    "list_id": "lst",
    "segment_id": "seg",
    "sender_id": "sdr",
    "domain_id": "dom",
    "import_id": "imp",
    "export_id": "exp",
    "contact_id": "lea",
    "send_id": "snd",
    "ip": "ip",
    "log_id": "evt",
    "mailbox_id": "mbx",
    "pool_id": "pol",
    "vps_id": "vps",
    "user_id": "usr",
    "workspace_id": "wsp",
    "invitation_id": "inv",
    "key_id": "key",
    "staff_id": "stf",
    "replaces": "key",
}
TEXTS = {
    "outcome": "accepted",
    "priority": "normal",
    "message_class": "bulk",
    "provider": "google",
    "sign": "rsa",
    "source": "owner",
    "route": "mx",
    "address": "127.0.0.2",
    "relay_host": "",
    "domain": "example.org",
    "algorithm": "ed25519",
    "phase": "dot",
    "enhanced": "2.0.0",
    "day": "mon",
    "opens": "09:00",
    "closes": "17:00",
    "zone_of": "recipient",
}
NUMBERS = {"n": 1, "code": 250, "size": 1, "rows": 4, "imported": 2, "duplicates": 1, "rejected": 1}


def example(declared: EventType) -> Event:
    """An event of the type, with every field filled."""
    fields = fields_of(declared.cls)
    return declared.cls(**{field.name: _value(field.name, field.type) for field in fields})


def _value(name: str, hint: Any) -> Any:
    args = get_args(hint)
    if NoneType in args:
        return _value(name, next(option for option in args if option is not NoneType))
    if name == "ranges":
        return RANGES
    if get_origin(hint) is list:
        return [_value(name.removesuffix("s"), args[0])]
    if get_origin(hint) is dict:
        return {_text("outcome"): _value(name, args[1])}
    if is_typeddict(hint):
        return {part: _value(part, inner) for part, inner in get_type_hints(hint).items()}
    return {
        str: _text(name),
        bool: True,
        int: NUMBERS.get(name, 7),
        float: 2.5,
        datetime: MOMENT,
        date: MOMENT.date(),
    }[hint]


def _text(name: str) -> str:
    if name in ID_PREFIXES:
        return encode(ID_PREFIXES[name], hashlib.blake2b(name.encode(), digest_size=16).digest())
    return TEXTS.get(name, name)
