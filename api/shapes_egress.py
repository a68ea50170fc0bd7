"""What answers about orders to volume control, IP pools and moves look like."""

from __future__ import annotations

from api.shapes_content import POSITION, TOLD, answers

_IP = "ip_agnhktnyoh6v5hs3a7mlytmzhu"
ORDERED = answers(
    "It is ordered; `changed` is false where it stood so already",
    {"object": "volume_order", "scope": "cell", "scope_id": _IP, "provider": "gmail"}
    | {"action": "quota", "quota": 500, "changed": True}
    | POSITION,
    *TOLD,
    status=202,
)
