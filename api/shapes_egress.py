"""What answers about orders to volume control, IP pools and moves look like."""

from __future__ import annotations

from api.shapes_content import POSITION, TOLD, answers, command, listing, question

_IP = "ip_agnhktnyoh6v5hs3a7mlytmzhu"
ORDERED = answers(
    "It is ordered; `changed` is false where it stood so already",
    {"object": "volume_order", "scope": "cell", "scope_id": _IP, "provider": "gmail"}
    | {"action": "quota", "quota": 500, "changed": True}
    | POSITION,
    *TOLD,
    status=202,
)

_TOLD = {"object": "ip_pool", "pool_id": "pol_agnhktnyoh6v5hs3a7mlytmzhu", "state": "active"}
_POOL = _TOLD | {
    "name": "Newsletters",
    "created_at": "2026-01-05T08:00:00.000000Z",
    "retired_at": None,
    "reason": "",
    "ips": [_IP],
}
_ALLOWANCE = {"provider": "gmail", "left": 140, "score": 92, "weight": 0.35}
_MEMBER = {"ip": _IP, "route": "mx", "state": "active", "allowances": [_ALLOWANCE]}
POOLS = listing("A page of IP pools", _POOL)
POOL = question("The pool and what its IPs may still carry", _POOL | {"members": [_MEMBER]})
POOL_CREATED = command("It is there, without IPs", _TOLD, 201)
POOL_TOLD = command("Done", _TOLD)
POOL_RENAMED = answers(
    "It is called so", {k: _POOL[k] for k in ("object", "pool_id", "name")}, *TOLD
)

MOVED = command(
    "Each number counts what was changed now",
    {"object": "ip_move", "tenant_id": "ten_agnhktnyof5u3c7bbk3ktt7c4a", "from_ips": [_IP]}
    | {"to_ips": ["ip_7xq2ln3kzv4m5ydxw6p7c2hbre"], "pool_id": "", "planned": 1}
    | {"quarantined": 1, "domains": 2, "campaigns": 3}
    | {"acknowledged": ["campaign:cmp_7xq2ln3kzv4m5ydxw6p7c2hbre:content"]},
)
